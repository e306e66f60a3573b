import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { totalTokens } from '../emulators/bedrock/tokens.ts';
import { type GivenAnswer, sumOf } from '../emulators/bedrock/usage-ledger.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { clientsOf } from '../support/gateway-clients.ts';
import { onRecord, type RequestRecord } from '../support/records.ts';
import { MIXED_CALLS } from './mixed-calls.ts';
import { documentedFields } from '../support/reference.ts';

const SUBSCRIPTIONS = [
  { id: 'team-a', key: 'key-a' },
  { id: 'team-b', key: 'key-b' },
];

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ subscriptions: SUBSCRIPTIONS });
});
afterAll(() => chain.close());

describe('two subscriptions in parallel, 1,000 calls of every kind', () => {
  const CALLS = 500;
  const LANES = 12;
  const KINDS = [
    'inputTokens',
    'outputTokens',
    'cacheReadInputTokens',
    'cacheWriteInputTokens',
    'cacheWrite5mInputTokens',
    'cacheWrite1hInputTokens',
    'reasoningTokens',
  ] as const;
  /** The ids of Bedrock's answers, as the clients of each subscription saw them. */
  const seen = new Map<string, Set<string>>();
  const records: RequestRecord[] = [];
  let given: readonly GivenAnswer[];

  beforeAll(async () => {
    // A record is written when the last byte has gone: some come after their clients are content.
    const all = Promise.withResolvers<void>();
    const stop = onRecord(chain.host, (record) => {
      records.push(record);
      if (records.length === CALLS * SUBSCRIPTIONS.length) all.resolve();
    });
    await Promise.all(
      SUBSCRIPTIONS.map(async ({ id, key }) => {
        const clients = clientsOf(chain, key, { maxRetries: 0 });
        const ids = new Set<string>();
        seen.set(id, ids);
        let next = 0;
        const lane = async () => {
          for (let index = next++; index < CALLS; index = next++) {
            // Each costs something else.
            const text = `${id} ${'word '.repeat(index % 61)}`;
            const requestId = await MIXED_CALLS[index % MIXED_CALLS.length]?.call(clients, text);
            if (requestId !== undefined) ids.add(requestId);
          }
        };
        await Promise.all(Array.from({ length: LANES }, lane));
        clients.aws.destroy();
      }),
    );
    await all.promise;
    stop();
    given = chain.bedrock.usageGiven().answers;
  });

  /** What these records say was used, in the terms of the emulator's ledger. */
  function counted(some: readonly RequestRecord[]): Record<string, number> {
    const metered = some.filter((record) => record['countedInputTokens'] === undefined);
    const sum = (kind: string) => metered.reduce((total, record) => total + Number(record[kind] ?? 0), 0);
    return Object.fromEntries([['answers', metered.length], ...KINDS.map((kind) => [kind, sum(kind)])]);
  }

  it('all have succeeded, each with one record', () => {
    expect(records).toHaveLength(2 * CALLS);
    expect(new Set(records.map((record) => record['bedrockRequestId'])).size).toBe(2 * CALLS);
    for (const record of records) {
      expect(record).toMatchObject({ status: 200, outcome: 'complete' });
      expect(record).not.toHaveProperty('errorType');
      expect(record).not.toHaveProperty('usagePartial');
      expect(record).not.toHaveProperty('usageUnknown');
    }
    const kinds = (some: readonly { operation: unknown; modelId: unknown }[]) =>
      new Set(some.map(({ operation, modelId }) => `${String(operation)} ${String(modelId)}`));
    expect(kinds(records as { operation: unknown; modelId: unknown }[])).toStrictEqual(kinds(MIXED_CALLS));
  });

  it('none has a field that the reference does not name', () => {
    const documented = new Set(documentedFields());
    const fields = new Set(records.flatMap((record) => Object.keys(record)));
    expect(Array.from(fields).filter((name) => !documented.has(name))).toStrictEqual([]);
  });

  it('the sums by subscription are exactly what Bedrock gave out to its clients', () => {
    for (const { id } of SUBSCRIPTIONS) {
      const ofClients = given.filter(({ requestId }) => seen.get(id)?.has(requestId));
      const ofSubscription = records.filter((record) => record['subscriptionId'] === id);
      expect(ofSubscription).toHaveLength(CALLS);
      expect(counted(ofSubscription)).toStrictEqual(sumOf(ofClients));
    }
  });

  it('the sums by model are exactly what Bedrock gave out', () => {
    const byModel = Map.groupBy(records, (record) => String(record['modelId']));
    const sums = Array.from(byModel, ([modelId, some]) => [modelId, counted(some)]);
    expect(Object.fromEntries(sums)).toStrictEqual(chain.bedrock.usageGiven().byModel);
  });

  it('so is every record by itself, kind by kind, and its total', () => {
    const kindsOf = (counts: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(KINDS.map((kind) => [kind, counts[kind] ?? 0]));
    const inRecords = records
      .filter((record) => record['countedInputTokens'] === undefined)
      .map((record) => [record['bedrockRequestId'], { total: record['totalTokens'], kinds: kindsOf(record) }] as const);
    const inLedger = given.map(
      ({ requestId, tokens }) => [requestId, { total: totalTokens(tokens), kinds: kindsOf({ ...tokens }) }] as const,
    );
    expect(inRecords).toHaveLength(inLedger.length);
    expect(new Map<unknown, unknown>(inRecords)).toStrictEqual(new Map<unknown, unknown>(inLedger));
  });

  it('every kind of token was among them', () => {
    for (const [kind, sum] of Object.entries(sumOf(given))) expect(sum, kind).toBeGreaterThan(0);
  });
});
