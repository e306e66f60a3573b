import { setTimeout as sleep } from 'node:timers/promises';

import { type Chain, newKey, startChain } from '../emulators/chain.ts';
import type { KeyVault } from '../emulators/azure/key-vault.ts';
import { call, MOST_BYTES } from './call.ts';
import { type Fault, FAULT_HEADER, FAULTS } from './faults.ts';
import { type Operation, OPERATIONS } from './operations.ts';
import { COMPLETE } from './outcome.ts';

export interface SoakOptions {
  readonly seconds: number;
  /** Goes on beyond that time until so many calls have begun: a slow machine meets every fault too. */
  readonly leastCalls: number;
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

/** What the worker holds. */
export interface Holdings {
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Connections to Bedrock, idle ones included. */
  readonly connections: number;
}

export interface SoakResult {
  readonly seconds: number;
  /** Outcomes by fault, the empty name for calls without one: how many calls ended so. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Calls whose outcome nothing explains, with what is known of them. */
  readonly unexplained: readonly string[];
  readonly rotations: number;
  readonly vaultReads: number;
  readonly vaultTroubles: number;
  /** Defects that the worker has logged, and its restarts. */
  readonly defects: number;
  readonly restarts: number;
  readonly before: Holdings;
  readonly after: Holdings;
}

const SECRET = 'aws-credentials';

/** Least distance of a refused signature from the next rotation: ten seconds of reading, ten of rest, and some. */
const DISTANCE_MS = 25_000;

const FAULTS_AT_ANY_TIME = FAULTS.filter(({ notBeforeRotation }) => notBeforeRotation !== true);

interface Plan {
  readonly operation: Operation;
  readonly fault: Fault | undefined;
}

const collector = new URL('../support/collect-on-signal.ts', import.meta.url).href;

/** Calls and rotates for the time given, and accounts for every call. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const timeout = String(options.timeoutSeconds);
  const chain = await startChain({
    regions: ['us-east-1', 'us-west-2'],
    settings: {
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
  const outcomes = new Map<string, Map<string, number>>();
  const unexplained: string[] = [];
  let defects = 0;
  chain.host.onLog(({ message }) => {
    if (message.includes('"bedrock.defect"')) defects += 1;
  });
  injectFaults(chain);
  const { connections } = await holdingsOf(chain);
  await warmUp(chain, options.callers);
  const before = { ...(await holdingsOf(chain)), connections };

  const start = performance.now();
  const end = start + 1000 * options.seconds;
  const rotation = rotate(chain, start, end, 1000 * options.rotateSeconds);
  let calls = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end || calls < options.leastCalls) {
      calls += 1;
      const { operation, fault } = plan(calls, options.faultPercent, rotation.nextAt() - performance.now());
      const outcome = await call(chain.gateway, operation, fault);
      const name = fault?.name ?? '';
      const counts = outcomes.get(name) ?? new Map<string, number>();
      outcomes.set(name, counts.set(outcome, (counts.get(outcome) ?? 0) + 1));
      if ((fault?.explains[operation.shape] ?? [COMPLETE]).includes(outcome)) continue;
      const second = Math.round((performance.now() - start) / 1000);
      unexplained.push(`${operation.path}, fault "${name}", second ${second}: ${outcome}`);
    }
  };
  await Promise.all(Array.from({ length: options.callers }, caller));
  const seconds = (performance.now() - start) / 1000;
  const { rotations, troubles } = await rotation.done;
  await settled(chain, before.connections, options.settleSeconds);
  return {
    seconds,
    outcomes,
    unexplained,
    rotations,
    vaultReads: chain.vault.reads(SECRET),
    vaultTroubles: troubles,
    defects,
    restarts: chain.host.restarts,
    before,
    after: await holdingsOf(chain),
  };
}

/** The operations take turns, and so do the faults, each with an operation that can have it. */
function plan(number: number, faultPercent: number, beforeRotationMs: number): Plan {
  const every = Math.round(100 / faultPercent);
  const turn = number / every;
  if (!Number.isInteger(turn)) return { operation: inTurn(OPERATIONS, number), fault: undefined };
  const fault = inTurn(beforeRotationMs > DISTANCE_MS ? FAULTS : FAULTS_AT_ANY_TIME, turn);
  const { shapes } = fault;
  const possible = OPERATIONS.filter(({ shape }) => shapes?.includes(shape) ?? true);
  return { operation: inTurn(possible, Math.floor(turn / FAULTS.length)), fault };
}

function inTurn<T>(items: readonly T[], turn: number): T {
  const item = items[turn % items.length];
  if (item === undefined) throw new Error('There is nothing to take turns.');
  return item;
}

/** Bedrock does what the header of a request asks for. */
function injectFaults({ bedrocks }: Chain): void {
  bedrocks.forEach((bedrock, index) => {
    const faults = FAULTS.filter(({ inOneRegion }) => index === 0 || inOneRegion !== true);
    const responders = new Map(faults.map(({ name, bedrock: responder }) => [name, responder]));
    bedrock.answer((request, response) => responders.get(request.headers[FAULT_HEADER] ?? '')?.(request, response), {
      times: Number.POSITIVE_INFINITY,
      when: ({ headers }) => responders.has(headers[FAULT_HEADER] ?? ''),
    });
  });
}

/** What ails the vault between two rotations, in turns; the callers must not notice. */
const VAULT_TROUBLES: readonly { begin(vault: KeyVault): void; end(vault: KeyVault): void }[] = [
  { begin: (vault) => vault.outage(true), end: (vault) => vault.outage(false) },
  { begin: (vault) => vault.fail(500), end: (vault) => vault.fail(500, 0) },
  { begin: (vault) => vault.hang(true), end: (vault) => vault.hang(false) },
  { begin: (vault) => vault.revokeRole(), end: (vault) => vault.grantRole() },
];

interface Rotation {
  nextAt(): number;
  readonly done: Promise<{ rotations: number; troubles: number }>;
}

/** New keys each period, the old ones dead at once; in the middle of each period the vault is in trouble. */
function rotate(chain: Chain, start: number, end: number, periodMs: number): Rotation {
  let nextAt = start + periodMs;
  const until = (time: number) => sleep(Math.max(0, Math.min(time, end) - performance.now()));
  const run = async () => {
    let rotations = 0;
    for (;;) {
      const trouble = VAULT_TROUBLES[rotations % VAULT_TROUBLES.length];
      await until(nextAt - 0.6 * periodMs);
      trouble?.begin(chain.vault);
      await until(nextAt - 0.2 * periodMs);
      trouble?.end(chain.vault);
      forgetRequests(chain);
      await until(nextAt);
      // Not by the clock, which a timer can be ahead of by a fraction of a millisecond.
      if (nextAt >= end) return { rotations, troubles: rotations + 1 };
      const key = newKey();
      chain.vault.set(SECRET, JSON.stringify(key));
      for (const bedrock of chain.bedrocks) bedrock.setKeys([key]);
      rotations += 1;
      nextAt += periodMs;
    }
  };
  return { nextAt: () => nextAt, done: run() };
}

/** The emulators keep every request, for tests to look at; ten minutes of them would fill the memory. */
function forgetRequests({ bedrocks, gateway }: Chain): void {
  for (const { requests } of bedrocks) (requests as unknown[]).length = 0;
  (gateway.requests as unknown[]).length = 0;
}

/** Every operation by every caller once, so that what is made once and kept is there before the first measurement. */
async function warmUp({ gateway }: Chain, callers: number): Promise<void> {
  for (const operation of OPERATIONS) {
    const outcomes = await Promise.all(Array.from({ length: callers }, () => call(gateway, operation, undefined)));
    const wrong = outcomes.find((outcome) => outcome !== COMPLETE);
    if (wrong !== undefined) throw new Error(`${operation.path} does not work: ${wrong}`);
  }
}

/** Waits for idle connections to close. */
async function settled(chain: Chain, connections: number, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  const isBusy = () => chain.bedrocks.some(({ activeRequests }) => activeRequests > 0);
  while (performance.now() < end && (connectionsOf(chain) > connections || isBusy())) await sleep(200);
}

function connectionsOf({ bedrocks }: Chain): number {
  return bedrocks.reduce((sum, { openConnections }) => sum + openConnections, 0);
}

async function holdingsOf(chain: Chain): Promise<Holdings> {
  const { host } = chain;
  // The signal is handled some time after it was sent: by the third answer at the latest.
  process.kill(host.workerPid, 'SIGUSR2');
  for (let round = 0; round < 2; round += 1) await host.workerUsage();
  const { heapUsed, rss } = await host.workerUsage();
  return { heapBytes: heapUsed, residentBytes: rss, connections: connectionsOf(chain) };
}
