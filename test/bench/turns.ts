import { setTimeout as sleep } from 'node:timers/promises';

import { ENDLESS_EVENT } from './answers.ts';
import type { Client, RemoteLoad } from './client.ts';
import type { Contender } from './contenders/contender.ts';
import { type Figures, figuresOf, figuresOfWatches, type Turn, type Watch } from './figures.ts';
import type { Target } from './load.ts';
import type { Plan } from './plan.ts';
import { type Work, WORKS } from './works.ts';

/** After so long it is looked whether there were calls enough. */
const WARM_UP_MS = 100;

/** What can be called, and tells what it uses. */
export interface Measurable extends Pick<Contender, 'target' | 'usage'> {
  /** Turns that it takes at most; absent: as many as the plan says. */
  readonly most?: number;
}

/**
 * A round of one work: short turns of each contender, in an order that shifts, so that whatever the machine does meanwhile
 * meets all of them alike, and their connections stay open.
 */
export async function takeTurns<Name extends string>(
  client: Client,
  contenders: ReadonlyMap<Name, Measurable>,
  work: Work,
  plan: Plan,
): Promise<ReadonlyMap<Name, Figures>> {
  const { slices, sliceMs, streamsMs } = plan;
  const names = [...contenders.keys()];
  if (work.intervalMs !== undefined) {
    const watches = await inTurns(contenders, Math.ceil(slices / 2), (_name, contender) =>
      watch(client, contender, shareOf(work, plan), streamsMs),
    );
    return new Map(names.map((name) => [name, figuresOfWatches(watches.get(name) ?? [])]));
  }
  const milliseconds = sliceMs * (work.turnFactor ?? 1);
  const loads = new Map<Name, RemoteLoad>();
  for (const [name, { target }] of contenders) {
    const load = await client.open(target, work);
    loads.set(name, load);
    await load.run(milliseconds / 2);
  }
  const turns = await inTurns(contenders, slices, async (name, contender) => {
    const load = loads.get(name);
    if (load === undefined) throw new Error(`${name} has no load.`);
    return turn(load, contender, milliseconds);
  });
  for (const load of loads.values()) await load.close();
  return new Map(names.map((name) => [name, figuresOf(turns.get(name) ?? [], work)]));
}

async function inTurns<Name extends string, T>(
  contenders: ReadonlyMap<Name, Measurable>,
  slices: number,
  take: (name: Name, contender: Measurable) => Promise<T>,
): Promise<ReadonlyMap<Name, readonly T[]>> {
  const taken = new Map<Name, T[]>(Array.from(contenders, ([name]) => [name, []]));
  for (let slice = 0; slice < slices; slice += 1) {
    const taking = [...contenders].filter(([, { most = Infinity }]) => slice < most);
    for (const [name, contender] of rotated(taking, slice)) {
      const one = await take(name, contender).catch((cause: unknown) => {
        throw new Error(`${name} failed.`, { cause });
      });
      taken.get(name)?.push(one);
    }
  }
  return taken;
}

async function turn(load: RemoteLoad, { usage }: Measurable, milliseconds: number): Promise<Turn> {
  const before = await usage();
  const figures = await load.run(milliseconds);
  return { load: figures, ...used(before, await usage()) };
}

async function watch(client: Client, { target, usage }: Measurable, work: Work, milliseconds: number): Promise<Watch> {
  const load = await client.open(target, work);
  await load.hold();
  const startedAt = performance.now();
  const [bytes, before] = [await load.received(), await usage()];
  await sleep(milliseconds);
  const [moreBytes, after] = [await load.received(), await usage()];
  const watched = performance.now() - startedAt;
  await load.close();
  // Who translates has other bytes than Bedrock's, and as many events as there were intervals.
  const events =
    target.dialect === 'bedrock'
      ? (moreBytes - bytes) / ENDLESS_EVENT.length
      : (work.concurrency * watched) / (work.intervalMs ?? Infinity);
  return { events, milliseconds: watched, ...used(before, after) };
}

export function used(
  before: Awaited<ReturnType<Measurable['usage']>>,
  after: Awaited<ReturnType<Measurable['usage']>>,
): Pick<Turn, 'cpuMicroseconds' | 'rss'> {
  const cpuMicroseconds = (after?.cpuMicroseconds ?? Number.NaN) - (before?.cpuMicroseconds ?? Number.NaN);
  return {
    ...(Number.isNaN(cpuMicroseconds) ? {} : { cpuMicroseconds }),
    ...(after === undefined ? {} : { rss: after.rss }),
  };
}

/** With as many streams as the plan opens. */
export function shareOf(streams: Work, { streamShare }: Plan): Work {
  return { ...streams, concurrency: Math.ceil(streams.concurrency * streamShare) };
}

/** Of a fresh process: for the compiler and the caches. By calls, since the time that a machine takes for them differs. */
export async function warmUp(client: Client, { target }: Measurable, { warmUpCalls }: Plan): Promise<void> {
  await callSome(client, target, WORKS.upload1, warmUpCalls / 200);
  await callSome(client, target, WORKS.events, warmUpCalls / 400);
  await callSome(client, target, WORKS.small20, warmUpCalls);
}

export async function callSome(client: Client, target: Target, work: Work, calls: number): Promise<void> {
  const load = await client.open(target, work);
  for (let done = 0; done < calls;) done += (await load.run(WARM_UP_MS)).requests;
  await load.close();
}

export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
