import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { Fault } from '../emulators/azure/table-storage.ts';
import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { bodyOf, type Kind, KINDS } from './calls.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type Answer, type Prices, readPriceTable, stored, toldSums } from './sums.ts';

const CALLS = 12;
/** Operations of the table that each fault befalls, of those that these calls cause. */
const BEFALLEN = 4;

const kinds = KINDS.filter(({ fault }) => fault === 'none');

let fleet: Fleet;
let prices: Prices;
beforeAll(async () => {
  prices = await readPriceTable();
  // Clocks that are wrong by seconds, each by others.
  fleet = await startFleet({
    workers: 2,
    settings: { BUDGETS: 'cost/month=1000, tokens/day=1000000000' },
    skewMs: (worker) => 7000 * worker - 3000,
  });
});
afterAll(() => fleet[Symbol.asyncDispose]());
beforeEach(() => fleet.bedrock.reset());

async function call({ url, functionKey }: FunctionsHost, team: string, kind: Kind, number: number): Promise<number> {
  const answer = await fetch(`${url}/model/${kind.modelId}/${kind.operation}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-functions-key': functionKey,
      'x-gateway-subscription-id': team,
    },
    body: bodyOf(kind, number),
  });
  await answer.arrayBuffer();
  return answer.status;
}

/** Calls of every kind on both workers, one after the other: none may wait for the table. */
async function callAll(team: string): Promise<void> {
  for (let number = 0; number < CALLS; number += 1) {
    const [host, kind] = [fleet.hosts[number % 2], kinds[number % kinds.length]];
    if (host === undefined || kind === undefined) throw new Error('no worker');
    expect(await call(host, team, kind, number)).toBe(200);
  }
}

/** What the answers of Bedrock have told, once the table has as many calls. */
async function expectEqual(team: string, earlier: readonly Answer[] = []): Promise<readonly Answer[]> {
  const given = fleet.bedrock.usageGiven().answers.map(({ modelId, tokens }) => ({ modelId, tokens }));
  const told = toldSums([...earlier, ...given], prices);
  expect(given).toHaveLength(CALLS);
  while (stored(fleet.storage, `subscription:${team}`).calls < told.calls) await sleep(50);
  fleet.storage.doLate();
  expect(stored(fleet.storage, `subscription:${team}`)).toStrictEqual(told);
  for (const host of fleet.hosts) await untilKnown(host, team);
  return [...earlier, ...given];
}

/** `GET /usage` of each worker comes to tell the sum of the table, to a millionth. */
async function untilKnown({ url, functionKey }: FunctionsHost, team: string): Promise<void> {
  const expected = Number((stored(fleet.storage, `subscription:${team}`).cost + 500n) / 1000n);
  for (;;) {
    const headers = { 'x-functions-key': functionKey, 'x-gateway-subscription-id': team };
    const { budgets } = (await (await fetch(`${url}/usage`, { headers })).json()) as { budgets: { used: number }[] };
    if (Math.round((budgets[0]?.used ?? Number.NaN) * 1_000_000) === expected) return;
    await sleep(100);
  }
}

describe('the table holds what Bedrock has told, kind by kind and to a billionth, and every worker knows it', () => {
  it.each<[string, Fault | undefined, 'GET'?]>([
    ['nothing', undefined],
    ['503', { kind: 'status', status: 503 }],
    ['500', { kind: 'status', status: 500 }],
    ['throttling, with a time to wait', { kind: 'status', status: 503, retryAfterSeconds: 2 }],
    ['a write that is done and told as an error', { kind: 'after' }],
    ['a write that is done and never told', { kind: 'silent' }],
    ['a write that is done after the next one', { kind: 'late' }],
    ['an old copy that is read', { kind: 'stale' }, 'GET'],
  ])('whatever befalls it: %s', async (name, fault, only) => {
    const team = name.replaceAll(/\W/g, '-');
    let befallen = 0;
    fleet.storage.onRequest((method) => {
      if (only !== undefined && method !== only) return undefined;
      befallen += 1;
      return befallen <= BEFALLEN ? fault : undefined;
    });
    await callAll(team);
    await expectEqual(team);
    expect(befallen).toBeGreaterThanOrEqual(BEFALLEN);
  });

  it('a process that is killed, and one that takes its place', async () => {
    fleet.storage.onRequest(() => undefined);
    await callAll('restarted');
    const before = await expectEqual('restarted');
    for (const host of fleet.hosts) await host.killWorker();
    fleet.bedrock.reset();
    await callAll('restarted');
    await expectEqual('restarted', before);
  });
});
