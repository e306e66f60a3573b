import { GROUPS } from '../../src/bedrock/groups.ts';
import { failing } from '../budgets/faults.ts';
import { readPriceTable } from '../budgets/sums.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { type Account, accountsOf, written } from '../soak/accounts.ts';
import { createAudit, type Plan } from '../soak/audit.ts';
import { injectFaults } from '../soak/bedrock.ts';
import { call, type Ended } from '../soak/call.ts';
import { INFERENCE } from '../soak/inference.ts';
import { COMPLETE } from '../soak/outcome.ts';
import { onRecord, type RequestRecord } from '../support/records.ts';
import { type Door, sendOne } from './attempt.ts';
import { type Expected, expectedOf, forgedHeaders, orderedCall } from './order-calls.ts';
import { createRandom, type Random } from './random.ts';

export interface OrderFuzzOptions {
  readonly requests: number;
  readonly seed: number;
  readonly workers: number;
  readonly progress?: (line: string) => void;
}

export interface OrderFuzzReport {
  readonly seed: number;
  readonly requests: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly accounts: readonly Account[];
  readonly tableOperations: number;
  readonly restarts: number;
  /** Heap of the workers together, after each batch. */
  readonly heapMiB: readonly number[];
  readonly seconds: number;
  readonly failures: readonly string[];
}

const DEFAULT_BUDGETS = 'tokens/day=9000000000000, product:tokens/month=9000000000000';

/** What API Management orders for three subscriptions: nothing, budgets, and what cannot be understood. */
const SUBSCRIPTIONS = [
  { id: 'plain', key: 'key-of-plain', budgets: undefined },
  { id: 'money', key: 'key-of-money', budgets: 'cost/month=9000000, product:tokens/day=9000000000000' },
  { id: 'wrong', key: 'key-of-wrong', budgets: 'cost/month' },
];

const ORDERS = globalPolicy({
  inbound: `<choose>${SUBSCRIPTIONS.map(({ id, budgets }) =>
    budgets === undefined
      ? ''
      : `<when condition='@(context.Subscription.Id == "${id}")'>
    <set-variable name="bedrock-budgets" value="${budgets}" /></when>`,
  ).join('')}</choose>`,
});

const LANES = 12;
const BATCH = 500;

/** What a request that is spoilt as bytes may end as, beside a closed connection. */
const SPOILT = new Set([200, 201, 202, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 503, 505]);

/**
 * Calls two workers over one failing table by orders of every kind: as a gateway sends them, as a client forges them, and
 * spoilt as bytes. An order that cannot be understood has to be refused by 503 that names it, and by nothing else; what
 * Bedrock has told has to be in the table in the end, for the account that the orders say.
 */
export async function fuzzOrders({ requests, seed, workers, progress }: OrderFuzzOptions): Promise<OrderFuzzReport> {
  const chain = await startChain({
    regions: ['us-east-1', 'eu-west-1'],
    instances: workers,
    budgetTable: true,
    subscriptions: SUBSCRIPTIONS.map(({ id, key }) => ({ id, key })),
    globalPolicy: ORDERS,
    settings: { OPERATIONS: GROUPS.join(','), BUDGETS: DEFAULT_BUDGETS, UPLOAD_TIMEOUT_SECONDS: '5' },
  });
  try {
    return await run(chain, { requests, seed, workers, ...(progress === undefined ? {} : { progress }) });
  } finally {
    await chain.close();
  }
}

async function run(chain: Chain, { requests, seed, progress }: OrderFuzzOptions): Promise<OrderFuzzReport> {
  const { hosts, endpoints, table, entra, gateway } = chain;
  const audit = createAudit(await readPriceTable());
  const failures: string[] = [];
  const outcomes: Record<string, number> = {};
  const reached = new Set<number>();
  let unplanned = -1;
  for (const bedrock of endpoints) {
    injectFaults(bedrock, false, {
      asked(number, asked) {
        if (Number.isNaN(number)) {
          unplanned -= 1;
          audit.planned(unknownPlan(unplanned));
          audit.ended(unplanned, { outcome: '', status: 0 });
          audit.asked(unplanned, asked);
          return;
        }
        reached.add(number);
        audit.asked(number, asked);
      },
    });
    bedrock.onRequest(({ refusal, target }) => {
      if (/Signature|UnrecognizedClient|must not reach|UnknownOperation/.test(refusal ?? '')) {
        failures.push(`${refusal} for ${target}`);
      }
    });
  }
  for (const host of hosts) {
    onRecord(host, audit.record);
    host.onLog(({ message }) => {
      if (/"event":"bedrock\.defect"|"errorType":"InternalServer/.test(message)) failures.push(message.slice(0, 300));
      // The one thing that goes wrong here beside the table is an order.
      if (message.includes('"event":"bedrock.failure"') && !message.includes('x-gateway-')) failures.push(message);
    });
  }
  const store = failing(table);
  const started = performance.now();
  const heapMiB: number[] = [];

  const make = async (plan: Plan, door: { url: string }, judge: (ended: Ended) => readonly string[]) => {
    audit.planned(plan);
    const ended = await call(door, plan);
    failures.push(...judge(ended).map((problem) => `request ${plan.number}, ${plan.operation.path}: ${problem}`));
    audit.ended(plan.number, ended);
    reached.delete(plan.number);
    return ended.outcome;
  };
  const asGateway = async (random: Random, number: number): Promise<string> => {
    const ordered = orderedCall(random);
    const expected = expectedOf(ordered);
    const { id, productId } = ordered;
    const host = random.pick(hosts);
    let names = DEFAULT_BUDGETS;
    const headers = { ...ordered.operation.headers, authorization: `Bearer ${await entra.issueToken()}` };
    const plan: Plan = {
      number,
      operation: { ...ordered.operation, headers },
      team: {
        key: 'none',
        isSmall: false,
        ...(id === undefined ? {} : { id }),
        ...(productId === undefined ? {} : { productId }),
      },
      fault: undefined,
      // How budgets stand has no record of an operation.
      ...(ordered.operation.name === 'usage' ? {} : { explains: expected.outcomes }),
      accounts: (record) => accountsBy(names, record),
    };
    return make(plan, host, (ended) => {
      if (ended.budgets !== undefined) names = ended.budgets;
      const orderedBudgets = ordered.orders.find(({ header }) => header === 'x-gateway-budgets');
      const unnamed = ended.outcome === COMPLETE && plan.operation.spends !== undefined && ended.budgets === undefined;
      return [
        ...problemsOf(ended, expected, reached.has(number)),
        ...(unnamed ? [`it is not counted by ${JSON.stringify(orderedBudgets)}`] : []),
      ];
    });
  };
  const asClient = (random: Random, number: number): Promise<string> => {
    const { id, key, budgets } = random.pick(SUBSCRIPTIONS);
    const good = budgets === undefined ? INFERENCE : INFERENCE.filter(({ priced }) => priced === true);
    const operation = random.pick(good);
    const expected: Expected =
      id === 'wrong'
        ? { outcomes: ['503 ServiceUnavailableException'], blamed: ['x-gateway-budgets'] }
        : { outcomes: [COMPLETE], blamed: [] };
    const plan: Plan = {
      number,
      operation: { ...operation, headers: { ...operation.headers, ...forgedHeaders(random) } },
      team: { id, key, isSmall: false },
      fault: undefined,
      explains: expected.outcomes,
      accounts: (record) => accountsBy(budgets ?? DEFAULT_BUDGETS, record),
    };
    return make(plan, gateway, (ended) => problemsOf(ended, expected, reached.has(number)));
  };
  const asBytes = async (random: Random, number: number): Promise<string> => {
    const host = random.pick(hosts);
    const outcome = await sendOne(
      [await hostDoor(host.port, await entra.issueToken(), random), gatewayDoor(gateway.port)],
      seed,
      number,
    );
    const isRight = /^\d+$/.test(outcome)
      ? SPOILT.has(Number(outcome))
      : /^(?:closed|aborted|500 of the host|503 of the gateway)$/.test(outcome);
    if (!isRight) failures.push(`request ${number}, as bytes: ${outcome}`);
    return outcome;
  };

  let next = 0;
  const lane = async (end: number) => {
    while (next < end) {
      const number = next++;
      const random = createRandom(seed * 1_000_003 + number);
      const attempt = random.pick([asGateway, asGateway, asClient, asBytes]);
      const outcome = await attempt(random, number);
      const name = `${attempt === asGateway ? 'gateway' : attempt === asClient ? 'client' : 'bytes'}: ${outcome}`;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
  };
  for (let first = 0; first < requests; first += BATCH) {
    const end = Math.min(first + BATCH, requests);
    await Promise.all(Array.from({ length: LANES }, () => lane(end)));
    for (const { requests: kept } of [...endpoints, gateway]) (kept as unknown[]).length = 0;
    const usages = await Promise.all(hosts.map((host) => host.workerUsage()));
    heapMiB.push(Math.round(usages.reduce((sum, { heapUsed }) => sum + heapUsed, 0) / 2 ** 20));
    for (const failure of failures.slice(-3)) progress?.(failure);
    progress?.(
      `${end} calls by orders, heap ${heapMiB.at(-1)} MiB, ${failures.length + audit.unexplained.length} failures`,
    );
  }
  store.mend();
  await written(table, audit, 90);
  audit.close();
  await written(table, audit, 90);
  const accounts = accountsOf(table, audit);
  const { restarts } = { restarts: hosts.reduce((sum, host) => sum + host.restarts, 0) };
  return {
    seed,
    requests,
    outcomes,
    accounts,
    tableOperations: store.operations(),
    restarts,
    heapMiB,
    seconds: Math.round((performance.now() - started) / 1000),
    failures: [...failures, ...audit.unexplained, ...accounts.flatMap(lacking)],
  };
}

function problemsOf({ outcome, body = '' }: Ended, { outcomes, blamed }: Expected, hasReached: boolean): string[] {
  const isRefusal = outcome.startsWith('503 ');
  return [
    ...(outcomes.includes(outcome) ? [] : [`${outcome} and not ${outcomes.join(' or ')}: ${body.slice(0, 200)}`]),
    ...(isRefusal && !blamed.some((header) => body.includes(header))
      ? [`a 503 that names none of ${blamed.join(', ')}: ${body}`]
      : []),
    ...(isRefusal && hasReached ? ['refused, and has come to Bedrock all the same'] : []),
  ];
}

function lacking({ name, missing }: Account): string[] {
  const isExact = Object.values(missing).every((sum) => sum === 0n);
  return isExact ? [] : [`the table lacks of ${name.slice(0, 50)}: ${Object.values(missing).join(' ')}`];
}

/** Accounts by the budgets in force, as their names say. */
function accountsBy(budgets: string, record: RequestRecord): string[] {
  const names = budgets.split(',').map((name) => name.trim());
  const [own, shared] = [
    names.some((name) => !name.startsWith('product:')),
    names.some((name) => name.startsWith('product:')),
  ];
  const id = (value: unknown) => (typeof value === 'string' ? value : '');
  return [
    ...(own ? [`subscription:${id(record['subscriptionId'])}`] : []),
    ...(shared ? [`product:${id(record['productId'])}`] : []),
  ];
}

/** Of a request that was spoilt as bytes: what it has used is known from its record, whom it is charged to as well. */
function unknownPlan(number: number): Plan {
  const [operation] = INFERENCE;
  if (operation === undefined) throw new Error('no operation');
  return {
    number,
    operation,
    team: { key: 'none', isSmall: false },
    fault: undefined,
    accounts: (record) => {
      const told = (record['budgets'] ?? []) as readonly { readonly budget: string }[];
      return accountsBy(told.map(({ budget }) => budget).join(','), record);
    },
  };
}

/** As a gateway calls, with budgets of both kinds by the calendar alone, as the record tells them. */
async function hostDoor(port: number, token: string, random: Random): Promise<Door> {
  return {
    name: 'host',
    port,
    prefix: '',
    admission: [
      ['Authorization', `Bearer ${token}`],
      ['x-gateway-subscription-id', random.pick(['plain', 'money', 'bytes'])],
      ['x-gateway-budgets', random.pick([DEFAULT_BUDGETS, encodeURIComponent(DEFAULT_BUDGETS)])],
    ],
    maxHeaderSize: 32_768,
  };
}

function gatewayDoor(port: number): Door {
  return { name: 'gateway', port, prefix: '/bedrock', admission: [['api-key', 'key-of-plain']], maxHeaderSize: 16_384 };
}
