import { describe, expect, it } from 'vitest';

import { GROUPS, type OperationGroup } from '../../../src/bedrock/groups.ts';
import { checkOperation } from '../../../src/proxy/operations.ts';

const INVOKE = {
  name: 'InvokeAgent',
  group: 'agents',
  method: 'POST',
  template: '/',
  guardrail: 'impossible',
} as const;
const USUAL: readonly OperationGroup[] = ['inference', 'discovery'];

function check(offered: readonly OperationGroup[], order?: string): void {
  checkOperation(INVOKE, order === undefined ? {} : { 'x-gateway-operations': order }, new Set(offered));
}

describe('an operation', () => {
  it.each([[undefined], ['agents'], [' agents '], ['inference,agents'], [encodeURIComponent('inference, agents')]])(
    'that is served may be called with the order %s',
    (order) => {
      expect(() => check(GROUPS, order)).not.toThrow();
    },
  );

  it.each([
    [USUAL, undefined, 'InvokeAgent belongs to the operation group "agents", which is not served here.'],
    [USUAL, 'agents', 'InvokeAgent belongs to the operation group "agents", which is not served here.'],
    [
      GROUPS,
      'inference',
      'InvokeAgent belongs to the operation group "agents", which your subscription does not have.',
    ],
  ])('that is off is 404: %j, %s', (offered, order, message) => {
    expect(() => check(offered, order)).toThrow(expect.objectContaining({ failure: 'unknownOperation', message }));
  });

  it.each(['', ',', 'agents,', 'agent', 'Agents', 'agents;inference', '*', '%FF', '%', 'agents,runtime'])(
    'is refused with the malformed order %j',
    (order) => {
      for (const offered of [GROUPS, USUAL]) {
        expect(() => check(offered, order)).toThrow(
          expect.objectContaining({
            failure: 'unavailable',
            message: expect.stringContaining('x-gateway-operations'),
            cause: expect.any(Error),
          }),
        );
      }
    },
  );
});
