import { setTimeout as sleep } from 'node:timers/promises';

import { startClient } from './client.ts';
import { compareRounds } from './compare.ts';
import type { CoreContenders, CoreName } from './contenders/all.ts';
import type { StartContender } from './contenders/contender.ts';
import { inRounds, type Plan } from './plan.ts';
import { callSome, rotated, shareOf } from './turns.ts';
import { HELD_STREAMS, HELD_STREAMS_NAMES, type HeldStreamsName, type Work, WORKS } from './works.ts';

/** What one open stream weighs in a process. */
export interface StreamWeight {
  /** Resident memory in KB of 1,024 bytes. */
  readonly residentKilobytes: number;
  /** JavaScript heap in KB of 1,024 bytes. */
  readonly heapKilobytes: number;
  /**
   * Resident memory, or the heap where that is more: streams may also fill memory that the process had before and left
   * unused.
   */
  readonly kilobytes: number;
}

/** By kind and contender, one for each round. */
export type StreamWeights = ReadonlyMap<HeldStreamsName, ReadonlyMap<CoreName, readonly StreamWeight[]>>;

/** Rounds of busy streams, of whose memory no aim speaks. */
const BUSY_ROUNDS = 3;

export async function measureStreamWeights(
  upstream: string,
  core: CoreContenders,
  plan: Plan,
  progress: (line: string) => void,
): Promise<StreamWeights> {
  const starts = Object.entries(core) as [CoreName, StartContender][];
  const weights = new Map(
    HELD_STREAMS_NAMES.map((kind) => [kind, new Map<CoreName, StreamWeight[]>(starts.map(([name]) => [name, []]))]),
  );
  const slow = weights.get('slow');
  await inRounds(
    plan.memory,
    async (round) => {
      for (const [kind, ofKind] of weights) {
        if (kind === 'busy' && round >= BUSY_ROUNDS) continue;
        for (const [name, start] of rotated(starts, round)) {
          progress(`round ${round + 1}: memory of ${HELD_STREAMS[kind].title}: ${name}`);
          const weight = await weigh(start, upstream, shareOf(HELD_STREAMS[kind], plan), plan);
          if (weight !== undefined) ofKind.get(name)?.push(weight);
        }
      }
    },
    () =>
      (compareRounds(slow?.get('ours'), slow?.get('floor'), 'kilobytes', 'ratio')?.uncertainty ?? 0) <= plan.precision,
  );
  return weights;
}

/**
 * Opens the streams on a fresh process and compares it with itself, after garbage collection, before and with them.
 * Fresh, because resident memory does not shrink again. Undefined where the system does not tell.
 */
async function weigh(
  start: StartContender,
  upstream: string,
  streams: Work,
  { warmUpCalls, streamsMs }: Plan,
): Promise<StreamWeight | undefined> {
  const contender = await start(upstream);
  const client = await startClient();
  try {
    await callSome(client, contender.target, WORKS.small20, warmUpCalls / 4);
    const without = await settled(contender);
    const load = await client.open(contender.target, streams);
    await load.hold();
    await sleep(streamsMs);
    const held = await settled(contender);
    await load.close();
    if (without?.heapUsed === undefined || held?.heapUsed === undefined) return undefined;
    const kilobytes = (more: number, less: number) => (more - less) / 1024 / streams.concurrency;
    const residentKilobytes = kilobytes(held.rss, without.rss);
    const heapKilobytes = kilobytes(held.heapUsed, without.heapUsed);
    return { residentKilobytes, heapKilobytes, kilobytes: Math.max(residentKilobytes, heapKilobytes) };
  } finally {
    await client.stop();
    await contender.close();
  }
}

async function settled({ collectGarbage, usage }: Awaited<ReturnType<StartContender>>) {
  await collectGarbage();
  return usage();
}
