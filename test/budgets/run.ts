import { Agent } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

import { bodyOf, CALL_HEADER, KINDS, responder } from './calls.ts';
import { faults } from './faults.ts';
import { startFleet } from './fleet.ts';
import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { type Life, mostMissing, newLife, watchWrites } from './lives.ts';
import { post } from './request.ts';
import { type Answer, readPriceTable, stored, type Sums, toldSums } from './sums.ts';

export interface LoadOptions {
  readonly calls: number;
  readonly workers: number;
  /** Calls at the same time on each worker. */
  readonly lanes: number;
  /** SIGKILLs of workers, spread over the calls. */
  readonly kills: number;
  /** Whether the table fails, one time in four. */
  readonly faults: boolean;
  /** Whether a month ends meanwhile, by clocks of which each is wrong by seconds. */
  readonly monthEnds: boolean;
}

export interface LoadResult {
  readonly calls: number;
  readonly seconds: number;
  /** Calls that ended otherwise than their kind says, but for those of a worker that was killed meanwhile. */
  readonly unexpected: readonly string[];
  /** Of each account, what Bedrock has told, and what the table holds. */
  readonly accounts: readonly {
    readonly name: string;
    readonly told: Sums;
    readonly stored: Sums;
    readonly most: number;
  }[];
  /** Of each life that was killed: calls that the table does not have, the most that may be, and milliseconds since its last write. */
  readonly kills: readonly { readonly missing: number; readonly most: number; readonly sinceWriteMs: number }[];
  /** Months that the table has rows of. */
  readonly months: readonly string[];
  readonly operations: number;
  /** What the teams have used in the month, in millionths: by `GET /usage` of each worker in the end, and by the table. */
  readonly usage: { readonly workers: readonly bigint[]; readonly table: bigint };
}

const TEAMS = ['team-a', 'team-b'] as const;
const BUDGETS = 'cost/month=100000, tokens/day=100000000000, product:cost/month=100000';

/** Calls of two teams on several workers over one table; in the end the table against what Bedrock has told. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const prices = await readPriceTable();
  const date = new Date();
  const monthEnd = Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  await using fleet = await startFleet({
    workers: options.workers,
    settings: { BUDGETS },
    // Backwards: what has been issued by today's clock stays valid.
    ...(options.monthEnds && { offsetMs: monthEnd - Date.now() - 15_000, skewMs: (worker) => 2500 * (worker - 1) }),
  });
  const { bedrock, storage, hosts } = fleet;
  const lives = new Map<number, Life>();
  const all: Life[] = [];
  const begin = (worker: number) => {
    const host = hosts[worker];
    if (host === undefined) throw new Error('no worker');
    const life = newLife(host, `worker-${worker}.${host.restarts}`);
    lives.set(worker, life);
    all.push(life);
  };
  for (const worker of hosts.keys()) begin(worker);

  const told: (Answer & { readonly call: number })[] = [];
  const owners: { readonly team: string; readonly product: string }[] = [];
  const seen = new Map<number, PromiseWithResolvers<void>>();
  const seenOf = (call: number) => {
    let waiting = seen.get(call);
    if (waiting === undefined) seen.set(call, (waiting = Promise.withResolvers()));
    return waiting;
  };
  bedrock.answer(
    responder(
      (call, modelId, tokens) => told.push({ call, modelId, tokens }),
      (call) => seenOf(call).promise,
    ),
    { times: Number.POSITIVE_INFINITY },
  );
  const befall = options.faults ? faults() : () => undefined;
  let operations = 0;
  storage.onRequest(() => {
    operations += 1;
    watchWrites(storage, lives.values());
    // Those that were put off happen after others.
    if (operations % 7 === 0) storage.doLate();
    return befall();
  });

  const unexpected: string[] = [];
  const agent = new Agent({ keepAlive: true });
  const makeCall = async (number: number, worker: number, life: Life) => {
    const kind = KINDS[number % KINDS.length];
    if (kind === undefined) throw new Error('no kind');
    // By rounds and not by parity, so that both teams make calls of every kind.
    const team = TEAMS[Math.floor(number / KINDS.length) % 2] ?? '';
    owners[number] = { team, product: life.product };
    life.open += 1;
    const status = await post(`${life.host.url}/model/${kind.modelId}/${kind.operation}`, {
      agent,
      headers: {
        'x-functions-key': life.host.functionKey,
        'x-gateway-subscription-id': team,
        'x-gateway-product-id': life.product,
        [CALL_HEADER]: `${kind.fault} ${number}`,
      },
      body: bodyOf(kind, number),
      onFirst() {
        seenOf(number).resolve();
        return kind.fault === 'left';
      },
    });
    seenOf(number).resolve();
    seen.delete(number);
    life.open -= 1;
    life.ends.push(performance.now());
    if (status !== kind.status && life.killed === undefined) {
      unexpected.push(`${kind.operation}, ${kind.fault} on ${worker}: ${status}`);
    }
  };

  let next = 0;
  const isOver = () => next >= options.calls && (!options.monthEnds || monthsOf().length === 2);
  const monthsOf = () => [...new Set(storage.all().map(({ row }) => row.slice(0, 7)))].toSorted();
  const lane = async (worker: number) => {
    while (!isOver()) {
      const life = lives.get(worker);
      if (life === undefined) await sleep(5);
      else {
        if (next % 1000 === 0) (bedrock.requests as unknown[]).length = 0;
        await makeCall(next++, worker, life);
      }
    }
  };
  const kill = async (worker: number) => {
    const life = lives.get(worker);
    if (life === undefined) return;
    life.killed = { open: life.open, at: performance.now() };
    lives.delete(worker);
    await life.host.killWorker();
    begin(worker);
  };
  const killer = async () => {
    for (let count = 1; count <= options.kills; count += 1) {
      while (next < (count * options.calls) / (options.kills + 1)) await sleep(5);
      await kill(count % options.workers);
    }
  };
  const start = performance.now();
  await Promise.all([
    ...hosts.keys().flatMap((worker) => Array.from({ length: options.lanes }, () => lane(worker))),
    killer(),
  ]);
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();

  const toldTo = (account: string) => {
    const [scope, id] = account.split(':');
    const answers = told.filter(({ call }) => owners[call]?.[scope === 'product' ? 'product' : 'team'] === id);
    return toldSums(answers, prices);
  };
  storage.onRequest(() => undefined);
  storage.doLate();
  const month = monthsOf().at(-1) ?? '';
  // Each as `GET /usage` tells it, to a millionth.
  const tableUsed = () =>
    TEAMS.reduce((sum, team) => sum + (stored(storage, `subscription:${team}`, month).cost + 500n) / 1000n, 0n);
  const usage: bigint[] = [];
  if (options.kills === 0) {
    const accounts = [
      ...TEAMS.map((team) => `subscription:${team}`),
      ...all.map(({ product }) => `product:${product}`),
    ];
    const expected = accounts.map((account) => ({ account, calls: toldTo(account).calls }));
    // A failing table is left alone for up to a minute.
    while (expected.some(({ account, calls }) => stored(storage, account).calls < calls)) await sleep(100);
    // One that has met a failure reads again in a minute.
    for (const { host, product } of lives.values()) {
      const used = async () => (await usedOf(host, TEAMS[0], product)) + (await usedOf(host, TEAMS[1], product));
      while ((await used()) !== tableUsed()) await sleep(200);
      usage.push(await used());
    }
  }
  // A worker that ends in good order writes all.
  await Promise.all(hosts.map((host) => host.stop()));

  const most = all.reduce((sum, life) => sum + mostMissing(life), 0);
  const account = (name: string, missing: number) => ({
    name,
    told: toldTo(name),
    stored: stored(storage, name),
    most: missing,
  });
  return {
    calls: owners.length,
    seconds,
    unexpected,
    accounts: [
      ...TEAMS.map((team) => account(`subscription:${team}`, most)),
      ...all.map((life) => account(`product:${life.product}`, mostMissing(life))),
    ],
    kills: all.flatMap((life) => {
      if (life.killed === undefined) return [];
      const name = `product:${life.product}`;
      return {
        missing: Number(toldTo(name).calls - stored(storage, name).calls),
        most: mostMissing(life),
        sinceWriteMs: life.killed.at - (life.writes.at(-1) ?? start),
      };
    }),
    months: monthsOf(),
    operations,
    usage: { workers: usage, table: tableUsed() },
  };
}

/** What a team has used in this month, in millionths, by `GET /usage`. */
async function usedOf({ url, functionKey }: FunctionsHost, team: string, product: string): Promise<bigint> {
  const headers = {
    'x-functions-key': functionKey,
    'x-gateway-subscription-id': team,
    'x-gateway-product-id': product,
  };
  const answer = await fetch(`${url}/usage`, { headers });
  const { budgets } = (await answer.json()) as { budgets: { budget: string; used: number }[] };
  const used = budgets.find(({ budget }) => budget === 'cost/month')?.used ?? Number.NaN;
  return BigInt(Math.round(used * 1_000_000));
}
