import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readPrices } from '../../src/budgets/prices.ts';
import { type ManagedIdentity, startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { startTableStorage, type TableStorage } from '../emulators/azure/table-storage.ts';
import { type BedrockEmulator, startBedrock } from '../emulators/bedrock/bedrock.ts';
import { newKey } from '../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { recordOf } from '../support/chain-calls.ts';
import { pricedModel } from '../support/models.ts';
import { root } from '../support/root.ts';
import { waitUntil } from '../support/wait-until.ts';

const WORKERS = 3;

let bedrock: BedrockEmulator;
let identity: ManagedIdentity;
let storage: TableStorage;
let workers: FunctionsHost[];
let environment: Record<string, string>;

beforeAll(async () => {
  const key = newKey();
  bedrock = await startBedrock({ keys: [key] });
  identity = await startManagedIdentity();
  storage = await startTableStorage({ identity });
  environment = {
    AWS_REGION: bedrock.region,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AWS_ACCESS_KEY_ID: key.accessKeyId,
    AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
    BUDGET_TABLE_URI: storage.tableUrl,
    ...identity.environment,
  };
  workers = await Promise.all(Array.from({ length: WORKERS }, () => startFunctionsHost({ environment })));
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  await Promise.all([bedrock.close(), identity.close(), storage.close()]);
});

interface Called {
  readonly team: string;
  readonly operation?: 'converse' | 'converse-stream';
  readonly budgets?: string;
  readonly text?: string;
}

/** A call of a worker, whose record is there when it ends: what was used is counted by then. */
async function call(worker: FunctionsHost, { team, operation = 'converse', budgets, text = 'Hi' }: Called) {
  const answer = await fetch(`${worker.url}/model/${pricedModel}/${operation}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-functions-key': worker.functionKey,
      'x-gateway-subscription-id': team,
      'x-gateway-product-id': 'assistants',
      ...(budgets !== undefined && { 'x-gateway-budgets': encodeURIComponent(budgets) }),
    },
    body: JSON.stringify({ messages: [{ role: 'user', content: [{ text }, { cachePoint: { type: 'default' } }] }] }),
  });
  const body = await answer.arrayBuffer();
  const record = await recordOf({ host: worker }, answer);
  return { status: answer.status, headers: answer.headers, text: Buffer.from(body).toString(), record };
}

/** Sums of the rows of an account. */
function stored(account: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { partition, columns } of storage.all()) {
    if (partition !== account) continue;
    for (const [name, value] of Object.entries(columns)) {
      if (!name.endsWith('@odata.type')) sums[name] = (sums[name] ?? 0) + Number(value);
    }
  }
  return sums;
}

describe('three workers, two teams, one table', () => {
  const CALLS = 600;
  const BUDGETS = 'cost/month=1000, tokens/day=100000000, product:cost/month=9000';

  it('hold in the end what Bedrock has given, kind by kind and to a billionth', async () => {
    bedrock.reset();
    const find = readPrices(await readFile(join(root, 'infra/prices.csv'), 'utf8'));
    let next = 0;
    let fault = 0;
    // A third of the operations fail: not done, done and not told, an old copy.
    storage.onRequest(() => {
      fault += 1;
      if (fault % 9 === 3) return { kind: 'status', status: 503 };
      if (fault % 9 === 5) return { kind: 'after' };
      return fault % 9 === 7 ? { kind: 'stale' } : undefined;
    });
    const lane = async () => {
      for (let index = next++; index < CALLS; index = next++) {
        const worker = workers[index % WORKERS];
        if (worker === undefined) throw new Error('no worker');
        const { status, record } = await call(worker, {
          team: index % 2 === 0 ? 'team-a' : 'team-b',
          operation: index % 3 === 0 ? 'converse-stream' : 'converse',
          budgets: BUDGETS,
          text: 'word '.repeat(index % 61),
        });
        expect(status).toBe(200);
        expect(record['estimatedCost']).toBe((find(pricedModel)?.costOf(record) ?? Number.NaN) / 1e9);
      }
    };
    await Promise.all(Array.from({ length: 12 }, lane));
    storage.onRequest(() => undefined);
    const given = bedrock.usageGiven().answers;
    expect(given).toHaveLength(CALLS);
    const sum = (amount: (tokens: (typeof given)[number]['tokens']) => number) =>
      given.reduce((total, { tokens }) => total + amount(tokens), 0);
    const expected = {
      calls: CALLS,
      tokens: sum((tokens) => tokens.inputTokens + tokens.outputTokens + tokens.cacheWriteInputTokens),
      cost: sum((tokens) => find(pricedModel)?.costOf(tokens) ?? Number.NaN),
      inputTokens: sum((tokens) => tokens.inputTokens),
      outputTokens: sum((tokens) => tokens.outputTokens),
      cacheReadInputTokens: sum((tokens) => tokens.cacheReadInputTokens),
      cacheWriteInputTokens: sum((tokens) => tokens.cacheWriteInputTokens),
      cacheWrite1hInputTokens: sum((tokens) => tokens.cacheWrite1hInputTokens ?? 0),
    };
    await waitUntil(() => stored('product:assistants')['calls'] === CALLS);
    expect(stored('product:assistants')).toStrictEqual(expected);
    await waitUntil(
      () => (stored('subscription:team-a')['calls'] ?? 0) + (stored('subscription:team-b')['calls'] ?? 0) === CALLS,
    );
    const teams = [stored('subscription:team-a'), stored('subscription:team-b')];
    expect((teams[0]?.['cost'] ?? 0) + (teams[1]?.['cost'] ?? 0)).toBe(expected.cost);
  });
});

it('a budget of money that is used up on one worker is used up on all, and the refusal names it', async () => {
  const [one, two] = workers;
  if (one === undefined || two === undefined) throw new Error('no workers');
  const team = { team: 'spender', budgets: 'cost/month=0.0004' };
  const first = await call(one, team);
  expect(first.headers.get('x-bedrock-budget-remaining')).toBe('cost/month=0.0004');
  await call(one, team);
  expect(stored('subscription:spender')).toStrictEqual({});
  await waitUntil(() => stored('subscription:spender')['calls'] === 2);
  // A first call there begins the reading.
  const used = async () => (await call(two, team)).status;
  await used();
  await waitUntil(async () => (await used()) === 403);
  const refused = await call(two, team);
  expect(refused.headers.get('x-amzn-errortype')).toBe('AccessDeniedException');
  expect(JSON.parse(refused.text).message).toMatch(
    /^The budget cost\/month of this subscription \(0\.0004\) is used up; it begins anew at \d{4}-\d\d-01T00:00:00\.000Z\.$/,
  );
  expect(refused.record).toMatchObject({ outcome: 'refused', errorSource: 'client', budgetExceeded: 'cost/month' });
  expect(await call(two, { ...team, team: 'other' })).toMatchObject({ status: 200 });
  const usage = await fetch(`${two.url}/usage`, {
    headers: {
      'x-functions-key': two.functionKey,
      'x-gateway-subscription-id': 'spender',
      'x-gateway-budgets': encodeURIComponent(team.budgets),
    },
  });
  expect(await usage.json()).toMatchObject({
    subscriptionId: 'spender',
    budgets: [{ budget: 'cost/month', limit: 0.0004, remaining: 0 }],
  });
});

it('a worker that was killed is followed by one that goes on where it was', async () => {
  const [, , three] = workers;
  if (three === undefined) throw new Error('no worker');
  const team = { team: 'restarted', budgets: 'tokens/day=150' };
  await call(three, team);
  await call(three, team);
  await waitUntil(() => stored('subscription:restarted')['calls'] === 2);
  await three.killWorker();
  await call(three, team);
  const status = async () => (await call(three, team)).status;
  await waitUntil(async () => (await status()) !== 200);
  expect(await status()).toBe(403);
});

it("an order that cannot be understood is the operator's fault, and a model without a price is refused", async () => {
  const [one] = workers;
  if (one === undefined) throw new Error('no worker');
  expect(await call(one, { team: 'a', budgets: 'tokens' })).toMatchObject({
    status: 503,
    text: expect.stringContaining('x-gateway-budgets is malformed'),
    record: { errorSource: 'proxy' },
  });
  const answer = await fetch(`${one.url}/model/meta.llama3-8b-instruct-v1:0/converse`, {
    method: 'POST',
    headers: { 'x-functions-key': one.functionKey, 'x-gateway-budgets': 'cost/day=1' },
    body: '{"messages":[]}',
  });
  expect([answer.status, await answer.text()]).toStrictEqual([403, expect.stringContaining('has no price')]);
});

it('a worker that ends in good order has written all', async () => {
  const worker = await startFunctionsHost({ environment });
  const team = { team: 'leaving', budgets: 'tokens/day=100000' };
  await call(worker, team);
  await waitUntil(() => stored('subscription:leaving')['calls'] === 1);
  await call(worker, team);
  await worker.stop();
  expect(stored('subscription:leaving')['calls']).toBe(2);
});
