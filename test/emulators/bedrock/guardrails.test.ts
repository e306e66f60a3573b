import type { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Clients } from '../../support/gateway-clients.ts';
import { OPERATION_CALLS } from '../../support/operation-calls.ts';
import { startBedrock, type BedrockEmulator } from './bedrock.ts';
import { appliedGuardrail, BLOCKED, GUARDRAILS } from './guardrails.ts';
import { runtimeClient } from './runtime-client.ts';
import { TEXT_PIECES } from './tokens.ts';

const [{ id, arn }] = GUARDRAILS;
const IDENTIFIER = 'x-amzn-bedrock-guardrailidentifier';
const VERSION = 'x-amzn-bedrock-guardrailversion';
const NONE = Buffer.from('{}');

// With a Bedrock API key in the environment the SDKs would not sign.
vi.stubEnv('AWS_BEARER_TOKEN_BEDROCK', undefined);

let bedrock: BedrockEmulator;
let aws: BedrockRuntimeClient;

beforeAll(async () => {
  bedrock = await startBedrock();
  aws = runtimeClient(bedrock);
});
afterEach(() => bedrock.reset());
afterAll(async () => {
  aws.destroy();
  await bedrock.close();
});

const BY_AWS = ['Converse', 'ConverseStream', 'InvokeModel', 'InvokeModelWithResponseStream'];

describe.each(BY_AWS)('%s', (name) => {
  const run = (facts: Parameters<NonNullable<(typeof OPERATION_CALLS)[string]>>[1]) => {
    const clients: Pick<Clients, 'aws'> = { aws };
    return OPERATION_CALLS[name]?.(clients as Clients, facts) ?? Promise.reject(new Error('no such call'));
  };
  const guardrail = { identifier: arn, version: '1' };

  it('is as ever without a guardrail, also for the word that one would block', async () => {
    const answer = await run({ prompt: 'forbidden' });
    expect(answer).not.toContain('guardrail');
    expect(bedrock.requests[0]).not.toHaveProperty('guardrail');
  });

  it('passes one that finds nothing, and tells what it looked at only when asked', async () => {
    expect(await run({ guardrail })).not.toContain('guardrailProcessingLatency');
    expect(await run({ guardrail: { ...guardrail, trace: 'enabled' } })).toContain('guardrailProcessingLatency');
    expect(bedrock.requests.map((request) => request.guardrail)).toStrictEqual([
      { id, version: '1', intervened: false, traced: false },
      { id, version: '1', intervened: false, traced: true },
    ]);
  });

  it('is blocked by one that finds its word: nothing of the text is left, the tokens are', async () => {
    const answer = await run({ prompt: 'A FORBIDDEN word', guardrail });
    expect(answer).toContain(BLOCKED);
    for (const piece of TEXT_PIECES) expect(answer).not.toContain(piece.trim());
    expect(answer).toMatch(/"output_?[tT]okens?":\d/);
    expect(answer).toMatch(
      name.startsWith('Converse')
        ? /"stopReason":"guardrail_intervened"/
        : /"stop_reason":"end_turn".*"amazon-bedrock-guardrailAction":"INTERVENED"/s,
    );
  });

  it('refuses one that does not exist', async () => {
    await expect(run({ guardrail: { identifier: 'gr0none', version: '1' } })).rejects.toThrow('does not exist');
    await expect(run({ guardrail: { identifier: id, version: '2' } })).rejects.toThrow('does not exist');
    await expect(run({ guardrail: { identifier: id, version: 'latest' } })).rejects.toThrow('valid version');
  });
});

it.each([
  ['a name without a version', { [IDENTIFIER]: id }],
  ['a version without a name', { [VERSION]: '1' }],
  ['no identifier', { [IDENTIFIER]: 'GR 7', [VERSION]: '1' }],
  ['two of them', { [IDENTIFIER]: `${id}, ${id}`, [VERSION]: '1' }],
])('%s is refused', (_name, headers) => {
  expect(() => appliedGuardrail('Messages', headers, NONE)).toThrow('valid identifier');
});

it.each(['Responses', 'StartAsyncInvoke', 'CountTokens'] as const)('%s takes none, whatever is named', (operation) => {
  const headers = { [IDENTIFIER]: 'gr0none', [VERSION]: '1' };
  expect(appliedGuardrail(operation, headers, NONE)).toBeUndefined();
});
