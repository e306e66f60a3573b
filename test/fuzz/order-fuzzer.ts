import { GROUPS } from '../../src/bedrock/groups.ts';
import { failing } from '../budgets/faults.ts';
import { readPriceTable } from '../budgets/sums.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { type Account, accountsOf, differences, written } from '../soak/accounts.ts';
import { createAudit } from '../soak/audit.ts';
import { COUNT_OBJECTS, liveBytes } from '../support/live-objects.ts';
import { attemptsOn } from './order-attempts.ts';
import { DEFAULT_BUDGETS, ORDERS, SUBSCRIPTIONS } from './order-budgets.ts';
import { createIdleClock, HANG_SECONDS, type IdleClock } from './idle-clock.ts';
import { watch } from './order-watch.ts';
import { createRandom } from './random.ts';

export interface OrderFuzzOptions {
  readonly requests: number;
  readonly seed: number;
  readonly workers: number;
  readonly progress?: (line: string) => void;
}

export interface OrderFuzzReport {
  readonly seed: number;
  readonly requests: number;
  /** How many calls of each kind ended in which way. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly accounts: readonly Account[];
  readonly tableOperations: number;
  readonly restarts: number;
  /** What is alive in the workers together after each batch, garbage collected. */
  readonly heapMiB: readonly number[];
  readonly seconds: number;
  /** Empty unless something is wrong. */
  readonly failures: readonly string[];
}

const LANES = 12;
const BATCH = 500;

/** Half of the calls are those of a gateway. */
const TURNS = ['gateway', 'gateway', 'client', 'bytes'] as const;

/** How long a worker may leave a table alone that has failed, and some. */
const SETTLE_SECONDS = 90;

/**
 * Calls workers over one failing table by orders of every kind: as a gateway sends them, as a client forges them, and
 * spoilt as bytes. An order that cannot be understood has to be refused by 503 that names it, and by nothing else; what
 * Bedrock has told has to be in the table in the end, for the account that the orders say.
 */
export async function fuzzOrders(options: OrderFuzzOptions): Promise<OrderFuzzReport> {
  const chain = await startChain({
    regions: ['us-east-1', 'eu-west-1'],
    instances: options.workers,
    nodeArguments: COUNT_OBJECTS,
    budgetTable: true,
    subscriptions: SUBSCRIPTIONS.map(({ id, key }) => ({ id, key })),
    globalPolicy: ORDERS,
    settings: { OPERATIONS: GROUPS.join(','), BUDGETS: DEFAULT_BUDGETS, UPLOAD_TIMEOUT_SECONDS: '5' },
  });
  const idle = createIdleClock(HANG_SECONDS);
  try {
    return await run(chain, idle, options);
  } finally {
    idle.stop();
    await chain.close();
  }
}

async function run(
  chain: Chain,
  idle: IdleClock,
  { requests, seed, progress }: OrderFuzzOptions,
): Promise<OrderFuzzReport> {
  const { hosts, endpoints, table, gateway } = chain;
  const audit = createAudit(await readPriceTable());
  const watched = watch(chain, audit);
  const attempts = attemptsOn(chain, audit, watched, idle, seed);
  const store = failing(table);
  const started = performance.now();
  const outcomes: Record<string, number> = {};
  const heapMiB: number[] = [];

  let next = 0;
  const lane = async (end: number) => {
    while (next < end) {
      const number = next++;
      const random = createRandom(seed * 1_000_003 + number);
      const turn = random.pick(TURNS);
      const name = `${turn}: ${await attempts[turn](random, number)}`;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
      idle.progress();
    }
  };
  for (let first = 0; first < requests; first += BATCH) {
    const end = Math.min(first + BATCH, requests);
    await Promise.all(Array.from({ length: LANES }, () => lane(end)));
    for (const { requests: kept } of [...endpoints, gateway]) (kept as unknown[]).length = 0;
    const alive = await Promise.all(hosts.map(liveBytes));
    heapMiB.push(Math.round(alive.reduce((sum, bytes) => sum + bytes, 0) / 2 ** 20));
    const wrong = [...watched.failures, ...audit.unexplained];
    for (const failure of wrong.slice(-3)) progress?.(failure);
    progress?.(`${end} calls by orders, heap ${heapMiB.at(-1)} MiB, ${wrong.length} failures`);
  }
  store.mend();
  await written(table, audit, SETTLE_SECONDS);
  audit.close();
  await written(table, audit, SETTLE_SECONDS);
  return {
    seed,
    requests,
    outcomes,
    accounts: accountsOf(table, audit),
    tableOperations: store.operations(),
    restarts: hosts.reduce((sum, { restarts }) => sum + restarts, 0),
    heapMiB,
    seconds: Math.round((performance.now() - started) / 1000),
    failures: [...watched.failures, ...audit.unexplained, ...differences(table, audit)],
  };
}
