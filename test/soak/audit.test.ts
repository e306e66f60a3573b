import { describe, expect, it } from 'vitest';

import { NOTHING } from '../budgets/sums.ts';
import type { Tokens } from '../emulators/bedrock/tokens.ts';
import { type Asked, createAudit, type Plan } from './audit.ts';
import type { Ended } from './call.ts';
import type { Operation } from './operations.ts';
import { COMPLETE } from './outcome.ts';

const operation: Operation = {
  name: 'Converse',
  group: 'inference',
  method: 'POST',
  path: '/model/a.b/converse',
  shape: 'plain',
  spends: 'told',
};
const plan: Plan = {
  number: 1,
  operation,
  team: { id: 'team', productId: 'product', key: 'key', isSmall: false },
  fault: undefined,
  explains: [COMPLETE],
  accounts: () => ['subscription:team'],
};
const tokens: Tokens = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 2, cacheWriteInputTokens: 1 };
const asked: Asked = { requestId: 'b-1', region: 'us-east-1', modelId: 'a.b', tokens, isPaid: true };
const ended: Ended = { outcome: COMPLETE, status: 200, invocationId: 'i-1' };
const record = {
  requestId: 'i-1',
  bedrockRequestId: 'b-1',
  region: 'us-east-1',
  status: 200,
  outcome: 'complete',
  operation: 'Converse',
  operationGroup: 'inference',
  subscriptionId: 'team',
  productId: 'product',
  ...tokens,
};

/** The audit of one call, of which these things are told. */
function audited(things: { asked?: readonly Asked[]; ended?: Ended; record?: Readonly<Record<string, unknown>> }) {
  const audit = createAudit(() => [3n, 4n]);
  audit.planned(plan);
  for (const each of things.asked ?? [asked]) audit.asked(1, each);
  audit.record(things.record ?? record);
  audit.ended(1, things.ended ?? ended);
  audit.close();
  return audit;
}

describe('a call of which caller, log and Bedrock know the same', () => {
  it('is explained, and charged to its accounts', () => {
    const audit = audited({});
    expect(audit.unexplained).toStrictEqual([]);
    expect(audit.told('subscription:team')).toMatchObject({
      whole: { calls: 1n, tokens: 16n, cost: 50n, cacheReadInputTokens: 2n },
      broken: NOTHING,
    });
    expect([...audit.byGroup]).toStrictEqual([['inference us-east-1', 1]]);
  });

  it('is charged apart when its answer broke off', () => {
    const audit = audited({ ended: { outcome: 'left', status: 0 }, record: { ...record, outputTokens: 0 } });
    expect(audit.unexplained).toStrictEqual([expect.stringContaining('it ended as "left"')]);
    expect(audit.told('subscription:team')).toMatchObject({ whole: NOTHING, broken: { calls: 1n, tokens: 11n } });
  });
});

describe('a call is not explained', () => {
  it.each([
    ['paid twice', { asked: [{ ...asked, requestId: 'b-0' }, asked] }, 'it was paid twice'],
    ['that ended otherwise', { ended: { ...ended, outcome: 'no JSON' } }, 'it ended as "no JSON"'],
    [
      'that was counted with less',
      { record: { ...record, outputTokens: 4 } },
      'outputTokens of its record: 4, of Bedrock: 5',
    ],
    [
      'that was counted with more',
      { record: { ...record, inputTokens: 11 } },
      'inputTokens of its record: 11, of Bedrock: 10',
    ],
    [
      'counted for another one',
      { record: { ...record, subscriptionId: 'other' } },
      'subscriptionId of its record is other',
    ],
    [
      'recorded as another one',
      { record: { ...record, operation: 'InvokeModel' } },
      'operation of its record is InvokeModel',
    ],
    ['told with another status', { record: { ...record, status: 500 } }, 'status of its record is 500 and not 200'],
    ['answered from elsewhere', { record: { ...record, region: 'us-west-2' } }, 'region of its record is us-west-2'],
    ['without a record', { record: { ...record, requestId: 'i-2', bedrockRequestId: 'b-2' } }, 'it has no record'],
  ])('%s', (_, things, problem) => {
    expect(audited(things).unexplained.join('\n')).toContain(problem);
  });

  it('whose record has tokens that Bedrock has not given', () => {
    const audit = audited({ record: { ...record, requestId: 'i-2', bedrockRequestId: 'b-2' } });
    expect(audit.unexplained.join('\n')).toContain('a record without a call has tokens');
  });
});
