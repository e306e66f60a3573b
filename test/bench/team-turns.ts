import type { Client, RemoteLoad } from './client.ts';
import type { HostContender } from './contenders/functions-host.ts';
import type { Turn } from './figures.ts';
import type { Plan } from './plan.ts';
import { MANY } from './teams.ts';
import { callSome, type Measurable, used } from './turns.ts';
import { WORKS } from './works.ts';

/** A worker, as it is called by some subscriptions. */
export type Called = Pick<Measurable, 'target' | 'usage'>;

export function calledBy({ target, usage }: HostContender, subscriptions: number): Called {
  return { usage, target: { ...target, subscriptions } };
}

/**
 * Has each subscription call a fresh worker so often that nothing is left that is done once for it: its session, the key
 * that signs for it, its account in the budgets.
 *
 * @returns CPU in µs that a first call of theirs takes beyond a later one; nothing where it cannot be told
 */
export async function warmUpTeams(
  client: Client,
  app: HostContender,
  { warmUpCalls, teamCalls }: Plan,
): Promise<readonly number[]> {
  // What is compiled by calls of one subscription does not count as the price of the others' first ones.
  await callSome(client, calledBy(app, 1).target, WORKS.small20, warmUpCalls / 2);
  const load = await client.open(calledBy(app, MANY).target, WORKS.small20);
  const first = await callOnce(load, app);
  for (let calls = 1; calls < teamCalls; calls += 1) await callOnce(load);
  const later = await callOnce(load, app);
  await load.close();
  return first === undefined || later === undefined ? [] : [first - later];
}

/** One call of each subscription. @returns CPU for one of them in µs */
async function callOnce(load: RemoteLoad, app?: Called): Promise<number | undefined> {
  const before = (await app?.usage())?.cpuMicroseconds;
  let calls = 0;
  while (calls < MANY) calls += (await load.run(0)).requests;
  const after = (await app?.usage())?.cpuMicroseconds;
  return before === undefined || after === undefined ? undefined : (after - before) / calls;
}

/**
 * A round: short turns one after another, forth and back, so that nobody is always the one who finds the caches full of
 * another's, and whatever the machine does meets neighbours alike.
 */
export async function takeTeamTurns<C extends Called>(
  client: Client,
  called: readonly C[],
  { slices, sliceMs }: Plan,
): Promise<ReadonlyMap<C, readonly Turn[]>> {
  const loads = new Map<C, RemoteLoad>();
  for (const each of called) loads.set(each, await client.open(each.target, WORKS.small20));
  const taken = new Map<C, Turn[]>(called.map((each) => [each, []]));
  for (let slice = 0; slice < TURNS * slices; slice += 1) {
    for (const [each, load] of slice % 2 === 0 ? loads : [...loads].toReversed()) {
      // Not measured: the caches of the processor are still another worker's.
      await load.run(sliceMs / 8);
      taken.get(each)?.push(await turn(load, each, sliceMs / 2));
    }
  }
  for (const load of loads.values()) await load.close();
  return taken;
}

/** At least so long, and so many calls that each of many subscriptions has one, however slow the machine is. */
async function turn(load: RemoteLoad, { usage }: Called, milliseconds: number): Promise<Turn> {
  const before = await usage();
  let figures = await load.run(milliseconds);
  while (figures.requests < MANY) {
    const { requests, seconds, answerBytes } = figures;
    const more = await load.run(milliseconds);
    figures = {
      ...more,
      requests: requests + more.requests,
      seconds: seconds + more.seconds,
      answerBytes: answerBytes + more.answerBytes,
    };
  }
  return { load: figures, ...used(before, await usage()) };
}

/** Turns here, of half the length, for one at another work. */
const TURNS = 4;
