import type { Chain } from '../emulators/chain.ts';
import type { Audit, Plan } from '../soak/audit.ts';
import { call, type Ended } from '../soak/call.ts';
import { INFERENCE } from '../soak/inference.ts';
import { COMPLETE } from '../soak/outcome.ts';
import { type Door, sendOne } from './attempt.ts';
import type { IdleClock } from './idle-clock.ts';
import { accountsBy, DEFAULT_BUDGETS, namesIn, SUBSCRIPTIONS } from './order-budgets.ts';
import { decoded, type Expected, expectedOf, forgedHeaders, orderedCall } from './order-calls.ts';
import type { Watch } from './order-watch.ts';
import type { Random } from './random.ts';

/** Makes one call and tells how it ended; what is wrong with it, it tells the watch and the audit. */
export type Attempt = (random: Random, number: number) => Promise<string>;

/** What a request that is spoilt as bytes may end as, beside a closed connection. */
const SPOILT = new Set([200, 201, 202, 400, 401, 403, 404, 405, 408, 413, 414, 417, 429, 431, 501, 503, 505]);

const REFUSED = '503 ServiceUnavailableException';

/** What a call by an ordered role is told when there is no STS. */
const NO_SESSION = 'AWS gives this proxy no session of the role.';

export function attemptsOn(
  { hosts, gateway, entra }: Chain,
  audit: Audit,
  watch: Watch,
  idle: IdleClock,
  seed: number,
) {
  const make = async (plan: Plan, door: { url: string }, judge: (ended: Ended) => readonly string[]) => {
    audit.planned(plan);
    const ended = await call(door, plan);
    const problems = judge(ended).map((problem) => `request ${plan.number}, ${plan.operation.path}: ${problem}`);
    watch.failures.push(...problems);
    audit.ended(plan.number, ended);
    watch.forget(plan.number);
    return ended.outcome;
  };

  /** A call that is in order, past the gateway, by orders as a gateway sends them. */
  const asGateway: Attempt = async (random, number) => {
    const { operation, orders, ...caller } = orderedCall(random);
    const expected = expectedOf({ operation, orders });
    const budgets = orders.find(({ header }) => header === 'x-gateway-budgets');
    const headers = { ...operation.headers, authorization: `Bearer ${await entra.issueToken()}` };
    let names = namesIn(DEFAULT_BUDGETS);
    const plan: Plan = {
      number,
      operation: { ...operation, headers },
      team: { key: 'none', isSmall: false, ...caller },
      fault: undefined,
      // How budgets stand has no record of an operation.
      ...(operation.name === 'usage' ? {} : { explains: expected.outcomes }),
      accounts: (record) => accountsBy(names, record),
    };
    return make(plan, random.pick(hosts), (ended) => {
      const isCounted = ended.outcome === COMPLETE && operation.spends !== undefined;
      const told = namesIn(ended.budgets ?? '');
      if (isCounted) names = told;
      const ordered = namesIn(budgets === undefined ? DEFAULT_BUDGETS : decoded(String(budgets.value)));
      const isOther =
        budgets?.verdict === 'any' ? ended.budgets === undefined : ordered.toSorted().join() !== told.toSorted().join();
      return [
        ...problemsOf(ended, expected, watch.hasReached(number)),
        ...(isCounted && isOther ? [`ordered are ${ordered.join()}, it is counted by ${told.join()}`] : []),
      ];
    });
  };

  /** A call through the gateway, of a client that has forged orders, which must not matter. */
  const asClient: Attempt = (random, number) => {
    const { id, key, budgets } = random.pick(SUBSCRIPTIONS);
    const operation = random.pick(INFERENCE.filter(({ priced }) => budgets === undefined || priced === true));
    const isWrong = id === 'wrong';
    const expected = { outcomes: [isWrong ? REFUSED : COMPLETE], blamed: isWrong ? ['x-gateway-budgets'] : [] };
    const plan: Plan = {
      number,
      operation: { ...operation, headers: { ...operation.headers, ...forgedHeaders(random) } },
      team: { id, key, isSmall: false },
      fault: undefined,
      explains: expected.outcomes,
      accounts: (record) => accountsBy(namesIn(budgets ?? DEFAULT_BUDGETS), record),
    };
    return make(plan, gateway, (ended) => problemsOf(ended, expected, watch.hasReached(number)));
  };

  /** A request that is spoilt as bytes, through the gateway or past it. */
  const asBytes: Attempt = async (random, number) => {
    const host = hostDoor(random.pick(hosts).port, await entra.issueToken(), random);
    const outcome = await sendOne([host, gatewayDoor(gateway.port)], seed, number, idle);
    const isRight = /^\d+$/.test(outcome)
      ? SPOILT.has(Number(outcome))
      : /^(?:closed|aborted|500 of the host|503 of the gateway)$/.test(outcome);
    if (!isRight) watch.failures.push(`request ${number}, as bytes: ${outcome}`);
    return outcome;
  };
  return { gateway: asGateway, client: asClient, bytes: asBytes };
}

function problemsOf({ outcome, body = '' }: Ended, { outcomes, blamed }: Expected, hasReached: boolean): string[] {
  const isNamed =
    blamed.some((header) => body.includes(header)) ||
    // Spoilt to another role that can be one: this chain has no STS to ask for it.
    (blamed.includes('x-gateway-role-arn') && body.includes(NO_SESSION));
  return [
    ...(outcomes.includes(outcome) ? [] : [`${outcome} and not ${outcomes.join(' or ')}: ${body.slice(0, 200)}`]),
    ...(outcome === REFUSED && !isNamed ? [`it names none of ${blamed.join()}: ${body}`] : []),
    ...(outcome === REFUSED && hasReached ? ['it is refused, and has come to Bedrock all the same'] : []),
  ];
}

/** As a gateway calls. */
function hostDoor(port: number, token: string, random: Random): Door {
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
