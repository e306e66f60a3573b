import { setTimeout as sleep } from 'node:timers/promises';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { failing } from '../budgets/faults.ts';
import { readPriceTable } from '../budgets/sums.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { onRecord } from '../support/records.ts';
import { type Account, accountsOf, differences, written } from './accounts.ts';
import { createAudit, type Plan } from './audit.ts';
import { injectFaults } from './bedrock.ts';
import { call, MOST_BYTES } from './call.ts';
import { connectionsOf, type Holdings, holdingsOf } from './holdings.ts';
import { COMPLETE } from './outcome.ts';
import { planOf, warmUpPlans } from './plans.ts';
import { rotate, SECRET } from './rotation.ts';
import { TEAM_POLICY, TEAMS } from './teams.ts';

export interface SoakOptions {
  readonly seconds: number;
  /** Goes on beyond that time until so many calls have begun: a slow machine meets every fault too. */
  readonly leastCalls: number;
  /** Workers over one table of budgets, which fails one time in four. */
  readonly workers: number;
  /** Callers at the same time, each with one call after the other. */
  readonly callers: number;
  /** Calls with a fault, in per cent. */
  readonly faultPercent: number;
  /** Time between rotations of the keys. More than ten seconds: so long the vault rests after refused keys. */
  readonly rotateSeconds: number;
  /** The proxy's patience with a silent Bedrock and a stalled upload. */
  readonly timeoutSeconds: number;
  /** How long idle connections may take to close at the end; the proxy keeps them for thirty seconds. */
  readonly settleSeconds: number;
}

export interface SoakResult {
  readonly seconds: number;
  /** Outcomes by fault, the empty name for calls without one: how many calls ended so. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Calls by group and region, as `<group> <region>`. */
  readonly byGroup: ReadonlyMap<string, number>;
  /** Calls whose outcome nothing explains, or of which caller, log and Bedrock know different things. */
  readonly unexplained: readonly string[];
  readonly accounts: readonly Account[];
  /** Where the table holds anything else than what Bedrock has told. */
  readonly differences: readonly string[];
  /** Refusals for a budget that was used up. */
  readonly usedUp: number;
  readonly tableOperations: number;
  readonly rotations: number;
  readonly vaultReads: number;
  readonly vaultTroubles: number;
  /** Defects that the workers have logged, and their restarts. */
  readonly defects: number;
  readonly restarts: number;
  readonly before: Holdings;
  readonly after: Holdings;
}

const collector = new URL('../support/collect-on-signal.ts', import.meta.url).href;

/** Calls and rotates for the time given, and accounts for every call. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const timeout = String(options.timeoutSeconds);
  const chain = await startChain({
    regions: ['us-east-1', 'us-west-2'],
    instances: options.workers,
    budgetTable: true,
    subscriptions: TEAMS,
    globalPolicy: TEAM_POLICY,
    settings: {
      OPERATIONS: GROUPS.join(','),
      MAX_REQUEST_BYTES: String(MOST_BYTES),
      UPLOAD_TIMEOUT_SECONDS: timeout,
      UPSTREAM_HEADERS_TIMEOUT_SECONDS: timeout,
      UPSTREAM_IDLE_TIMEOUT_SECONDS: timeout,
      CREDENTIALS_REFRESH_SECONDS: '20',
      NODE_OPTIONS: `--expose-gc --import=${collector}`,
    },
  });
  try {
    return await soak(chain, options);
  } finally {
    await chain.close();
  }
}

async function soak(chain: Chain, options: SoakOptions): Promise<SoakResult> {
  const { hosts, endpoints, table } = chain;
  const audit = createAudit(await readPriceTable());
  const outcomes = new Map<string, Map<string, number>>();
  let defects = 0;
  for (const host of hosts) {
    onRecord(host, audit.record);
    host.onLog(({ message }) => {
      if (message.includes('"bedrock.defect"')) defects += 1;
    });
  }
  for (const bedrock of endpoints) injectFaults(bedrock, bedrock.region === chain.bedrock.region, audit);
  const failures = failing(table);
  const make = async (plan: Plan) => {
    audit.planned(plan);
    const ended = await call(chain.gateway, plan);
    audit.ended(plan.number, ended);
    return ended.outcome;
  };

  const { connections } = await holdingsOf(chain);
  let number = await warmUp(make, options.callers);
  const before = { ...(await holdingsOf(chain)), connections };

  const start = performance.now();
  const end = start + 1000 * options.seconds;
  const least = number + options.leastCalls;
  const rotation = rotate(chain, start, end, 1000 * options.rotateSeconds);
  const caller = async (): Promise<void> => {
    while (performance.now() < end || number < least) {
      const plan = planOf(number++, options.faultPercent, rotation.nextAt() - performance.now());
      const outcome = await make(plan);
      const name = plan.fault?.name ?? '';
      const counts = outcomes.get(name) ?? new Map<string, number>();
      outcomes.set(name, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
    }
  };
  await Promise.all(Array.from({ length: options.callers }, caller));
  const seconds = (performance.now() - start) / 1000;
  const { rotations, troubles } = await rotation.done;
  await settled(chain, connections, options.settleSeconds);
  audit.close();
  failures.mend();
  await written(table, audit, 2 * options.settleSeconds);
  return {
    seconds,
    outcomes,
    byGroup: audit.byGroup,
    unexplained: audit.unexplained,
    accounts: accountsOf(table, audit),
    differences: differences(table, audit),
    usedUp: audit.usedUp,
    tableOperations: failures.operations(),
    rotations,
    vaultReads: chain.vault.reads(SECRET),
    vaultTroubles: troubles,
    defects,
    restarts: hosts.reduce((sum, { restarts }) => sum + restarts, 0),
    before,
    after: await holdingsOf(chain),
  };
}

/** Every operation once, so that what is made once and kept is there before the first measurement. @returns the calls */
async function warmUp(make: (plan: Plan) => Promise<string>, callers: number): Promise<number> {
  const rounds = warmUpPlans(0, callers);
  for (const plans of rounds) {
    const outcomes = await Promise.all(plans.map(make));
    const wrong = outcomes.find((outcome) => outcome !== COMPLETE);
    if (wrong !== undefined) throw new Error(`${plans[0]?.operation.path} does not work: ${wrong}`);
  }
  return rounds.flat().length;
}

/** Waits for idle connections to close. */
async function settled(chain: Chain, connections: number, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  const isBusy = () => chain.endpoints.some(({ activeRequests }) => activeRequests > 0);
  while (performance.now() < end && (connectionsOf(chain) > connections || isBusy())) await sleep(200);
}
