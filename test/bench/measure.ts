import { type Client, startClient } from './client.ts';
import type { Samples } from './compare.ts';
import { CONTENDER_NAMES, type ContenderName, type CoreContenders, type OTHERS, startAll } from './contenders/all.ts';
import type { Contender } from './contenders/contender.ts';
import type { Figures } from './figures.ts';
import { isPrecise } from './lines.ts';
import { inRounds, type Plan } from './plan.ts';
import { type Measurable, takeTurns, warmUp } from './turns.ts';
import { WORK_NAMES, type WorkName, WORKS } from './works.ts';

/** Works in which a translator does something else than the others: what it reads and writes is not the same bytes. */
const LEFT_OUT: Partial<Record<ContenderName, readonly WorkName[]>> = { portkey: ['upload20', 'flood'] };

export interface MeasuredWorks {
  readonly samples: Samples;
  /** Why a contender is missing. */
  readonly skipped: ReadonlyMap<ContenderName, string>;
}

/** All works with all contenders. Those that are to be compared precisely are started afresh for each round. */
export async function measureWorks(
  upstream: string,
  core: CoreContenders,
  others: Partial<typeof OTHERS>,
  plan: Plan,
  progress: (line: string) => void,
): Promise<MeasuredWorks> {
  const samples = new Map<WorkName, Map<ContenderName, Figures[]>>(WORK_NAMES.map((work) => [work, new Map()]));
  const pairs = (Object.keys(core) as ContenderName[])
    .filter((name) => name !== 'ours')
    .map((name) => ['ours', name] as const);
  const precise = (work: WorkName) => isPrecise(samples, work, pairs, plan.precision);
  const client = await startClient();
  const { running, skipped } = await startAll<ContenderName, Contender>(others, upstream);
  for (const [name, reason] of skipped) progress(`skipped: ${name}, because ${reason}`);
  // Not every contender ends by itself when this process fails.
  try {
    await warmUpAll(client, running, plan, progress);
    await inRounds(
      plan.rounds,
      async (round) => {
        const fresh = await startAll<ContenderName, Contender>(core, upstream);
        try {
          await warmUpAll(client, fresh.running, plan, progress);
          for (const work of WORK_NAMES) {
            if (round >= plan.rounds.least && precise(work)) continue;
            progress(`round ${round + 1}: ${WORKS[work].title}`);
            const taking = inOrder(fresh.running, round < plan.otherRounds ? running : new Map(), work);
            for (const [name, figures] of await takeTurns(client, taking, WORKS[work], plan)) {
              const ofWork = samples.get(work);
              ofWork?.set(name, [...(ofWork.get(name) ?? []), figures]);
            }
          }
        } finally {
          await closeAll(fresh.running);
        }
      },
      () => WORK_NAMES.every(precise),
    );
  } finally {
    await closeAll(running);
    await client.stop();
  }
  return { samples, skipped };
}

async function warmUpAll(
  client: Client,
  contenders: ReadonlyMap<ContenderName, Contender>,
  plan: Plan,
  progress: (line: string) => void,
): Promise<void> {
  for (const [name, contender] of contenders) {
    progress(`warming up ${name}`);
    await warmUp(client, contender, plan);
  }
}

async function closeAll(contenders: ReadonlyMap<ContenderName, Contender>): Promise<void> {
  await Promise.all([...contenders.values()].map((contender) => contender.close()));
}

/** Those that take part, in the order of the tables; of the others a turn is enough. */
function inOrder(
  core: ReadonlyMap<ContenderName, Contender>,
  others: ReadonlyMap<ContenderName, Contender>,
  work: WorkName,
): Map<ContenderName, Measurable> {
  const taking = CONTENDER_NAMES.flatMap((name): readonly (readonly [ContenderName, Measurable])[] => {
    const [precise, other] = [core.get(name), others.get(name)];
    if (precise !== undefined) return [[name, precise]];
    return other === undefined || LEFT_OUT[name]?.includes(work) === true ? [] : [[name, { ...other, most: 1 }]];
  });
  return new Map(taking);
}
