import { setTimeout as sleep } from 'node:timers/promises';

import { startClient } from './client.ts';
import type { StartContender } from './contenders/contender.ts';
import type { Plan } from './plan.ts';
import { type HeldStreams, WORKS } from './works.ts';

/** What one open stream costs a process. */
export interface StreamCost {
  /** Resident memory in KB of 1,024 bytes. */
  readonly residentKilobytes: number;
  /** JavaScript heap in KB of 1,024 bytes; absent outside Node. */
  readonly heapKilobytes?: number;
  /** Processor time per event, the timers between them included. */
  readonly cpuMicrosecondsPerEvent?: number;
  /** Share of one core that all the streams take together. */
  readonly coreShare?: number;
}

/**
 * Opens the streams on a fresh process and compares it with itself, after garbage collection, before and with them.
 * Fresh, because resident memory does not shrink again. Undefined where there is no process.
 */
export async function measureStreamCost(
  start: StartContender,
  upstream: string,
  streams: HeldStreams,
  { firstWarmUpMs, streamsMs }: Plan,
): Promise<StreamCost | undefined> {
  const contender = await start(upstream);
  const client = await startClient();
  try {
    await client.ask('open', { target: contender.target, work: WORKS.small20 });
    await client.ask('run', firstWarmUpMs);
    await client.ask('close');
    const without = await settled(contender);
    await client.ask('open', { target: contender.target, work: streams });
    await client.ask('hold');
    const opened = await contender.usage();
    await sleep(streamsMs);
    const watched = await contender.usage();
    const held = await settled(contender);
    if (without === undefined || held === undefined) return undefined;
    const kilobytes = (more: number, less: number) => (more - less) / 1024 / streams.concurrency;
    const cpu = (watched?.cpuMicroseconds ?? Number.NaN) - (opened?.cpuMicroseconds ?? Number.NaN);
    return {
      residentKilobytes: kilobytes(held.rss, without.rss),
      ...(held.heapUsed === undefined || without.heapUsed === undefined
        ? {}
        : { heapKilobytes: kilobytes(held.heapUsed, without.heapUsed) }),
      ...(Number.isNaN(cpu)
        ? {}
        : {
            cpuMicrosecondsPerEvent: (cpu * streams.intervalMs) / streamsMs / streams.concurrency,
            coreShare: cpu / (1000 * streamsMs),
          }),
    };
  } finally {
    await client.ask('close');
    await client.stop();
    await contender.close();
  }
}

async function settled({ collectGarbage, usage }: Awaited<ReturnType<StartContender>>) {
  await collectGarbage();
  return usage();
}
