import { startClient } from './client.ts';
import type { CoreContenders, CoreName } from './contenders/all.ts';
import type { HostContender } from './contenders/functions-host.ts';
import type { Plan } from './plan.ts';
import { callSome } from './turns.ts';
import { callOf, WORKS } from './works.ts';

/** Most memory that one large request takes beyond what the process had, over the size of its body; one a round. */
export type UploadMemory = ReadonlyMap<CoreName, readonly number[]>;

/** The first large requests of fresh processes, after garbage collection: a later one finds memory that it can use again. */
export async function measureUploadMemory(upstream: string, core: CoreContenders, plan: Plan): Promise<UploadMemory> {
  const starts = Object.entries(core) as [CoreName, (upstream: string) => Promise<HostContender>][];
  const memory = new Map<CoreName, number[]>(starts.map(([name]) => [name, []]));
  for (let round = 0; round < plan.memory.least; round += 1) {
    for (const [name, start] of starts) {
      const over = await peakOverBody(await start(upstream), plan);
      if (over !== undefined) memory.get(name)?.push(over);
    }
  }
  return memory;
}

async function peakOverBody(
  { target, usage, peak, forgetPeak, collectGarbage, close }: HostContender,
  { warmUpCalls }: Plan,
): Promise<number | undefined> {
  const client = await startClient();
  try {
    await callSome(client, target, WORKS.small20, warmUpCalls / 4);
    const load = await client.open(target, WORKS.upload20);
    await collectGarbage();
    const before = await usage();
    await forgetPeak();
    await load.run(0);
    const most = await peak();
    await load.close();
    if (before === undefined || most === undefined) return undefined;
    return (most - before.rss) / callOf(WORKS.upload20, 'bedrock').body.length;
  } finally {
    await client.stop();
    await close();
  }
}
