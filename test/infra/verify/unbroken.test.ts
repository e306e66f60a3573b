import { afterAll, beforeAll, expect, it } from 'vitest';

import { type Chain, startChain } from '../../emulators/chain.ts';
import { EVENT_DELAY_MS, statuses, verify } from './verified.ts';

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ eventDelayMs: EVENT_DELAY_MS });
});
afterAll(() => chain.close());

it('finds nothing wrong with an endpoint that works', async () => {
  const results = await verify(chain.gateway);
  expect(statuses(results)).toStrictEqual({
    ok: ['11', '12', '13', '14', '15', '16', '17', '18', '19'],
    skipped: ['19b'],
  });
  expect(results['13']?.evidence).toMatch(/^200 of the function in \d+ ms$/);
  expect(results['16']?.evidence).toContain('(caller default of product none)');
  expect(results['18']?.evidence).toMatch(
    /^200 of amazon\.nova-lite-v1:0 in \d+ ms, of which Bedrock \d+ ms; tokens: \d+ in, \d+ out$/,
  );
  expect(results['19']?.evidence).toMatch(
    /^14 events in (5|6|7|8|9|1\d) pieces, first after \d+ ms, last after \d+ ms/,
  );
  expect(results['19b']?.evidence).toBe('plain http: there is no TLS by which HTTP/2 could be agreed upon');
});

it('asks Bedrock for one answer and one stream, and else for refusals only', async () => {
  chain.bedrock.reset();
  await verify(chain.gateway);
  const asked = chain.bedrock.requests.map(({ operation, body }) => {
    const refused = JSON.parse(String(body)).messages === 0;
    return refused ? `${operation} refused` : operation;
  });
  expect(asked).toStrictEqual([
    'Converse refused',
    'Converse refused',
    'Converse refused',
    'Converse',
    'ConverseStream',
  ]);
  expect(chain.bedrock.requests.map(({ modelId }) => modelId)).toStrictEqual([
    'amazon.nova-lite-v1:0',
    'amazon.nova-lite-v1:0',
    'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0',
    'amazon.nova-lite-v1:0',
    'amazon.nova-lite-v1:0',
  ]);
});

it('asks for no answer with --no-calls', async () => {
  chain.bedrock.reset();
  const results = await verify(chain.gateway, { calls: false });
  expect(statuses(results)).toStrictEqual({
    ok: ['11', '12', '13', '14', '15', '16', '17'],
    skipped: ['18', '19', '19b'],
  });
  expect(results['18']?.evidence).toBe('--no-calls');
  expect(chain.bedrock.usageGiven().answers).toStrictEqual([]);
});

it('takes an ARN for the model', async () => {
  chain.bedrock.reset();
  const modelId = 'arn:aws:bedrock:eu-central-1:111122223333:application-inference-profile/abc123def456';
  const results = await verify(chain.gateway, { modelId });
  expect(statuses(results)['failed']).toBeUndefined();
  expect(chain.bedrock.requests.at(-1)?.modelId).toBe(modelId);
});
