import { startClient } from './client.ts';
import { startFloor, startOurs } from './contenders/functions-host.ts';
import type { Plan } from './plan.ts';
import { callOf, WORKS } from './works.ts';

/** Most memory that one large request takes beyond what the process had, over the size of its body; one a round. */
export interface UploadMemory {
  readonly ours: readonly number[];
  readonly floor: readonly number[];
}

/** The first large requests of fresh processes, after garbage collection: a later one finds memory that it can use again. */
export async function measureUploadMemory(upstream: string, plan: Plan): Promise<UploadMemory> {
  const ours: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < plan.streamRounds; round += 1) {
    for (const [start, values] of [[startOurs, ours] as const, [startFloor, floor] as const]) {
      const over = await peakOverBody(await start(upstream), plan);
      if (over !== undefined) values.push(over);
    }
  }
  return { ours, floor };
}

async function peakOverBody(
  { target, usage, peak, forgetPeak, collectGarbage, close }: Awaited<ReturnType<typeof startOurs>>,
  { firstWarmUpMs }: Plan,
): Promise<number | undefined> {
  const client = await startClient();
  try {
    await client.ask('open', { target, work: WORKS.small20 });
    await client.ask('run', firstWarmUpMs);
    await client.ask('close');
    await client.ask('open', { target, work: WORKS.upload20 });
    await collectGarbage();
    const before = await usage();
    await forgetPeak();
    await client.ask('run', 0);
    const most = await peak();
    await client.ask('close');
    if (before === undefined || most === undefined) return undefined;
    return (most - before.rss) / callOf(WORKS.upload20, 'bedrock').body.length;
  } finally {
    await client.stop();
    await close();
  }
}
