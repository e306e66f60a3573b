import { type Client, startClient } from './client.ts';
import { CONTENDER_NAMES, type ContenderName } from './contenders/all.ts';
import type { Contender } from './contenders/contender.ts';
import type { Plan } from './plan.ts';
import { type Work, WORK_NAMES, type WorkName, WORKS } from './works.ts';

/** What one contender's turn at one work has shown. Times in milliseconds. */
export interface Figures {
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly firstByte: number;
  readonly gap: number;
  readonly gap99: number;
  /** Of the contender's own process. */
  readonly cpuMicrosecondsPerRequest?: number;
  readonly residentMegabytes?: number;
}

export type Measure = keyof Figures;

/** Figures by work and contender, one for each round; the rounds of two contenders belong together. */
export type Samples = Map<WorkName, Map<ContenderName, Figures[]>>;

/** Works in which a translator does something else than the others: what it reads and writes is not the same bytes. */
const LEFT_OUT: Partial<Record<ContenderName, readonly WorkName[]>> = { portkey: ['upload20', 'flood'] };

/** Runs all works with all contenders, interleaved: what else the machine does meanwhile hits them alike. */
export async function measureAll(
  contenders: ReadonlyMap<ContenderName, Contender>,
  plan: Plan,
  progress: (line: string) => void,
): Promise<Samples> {
  const client = await startClient();
  for (const [name, contender] of contenders) {
    progress(`warming up ${name}`);
    await warmUp(client, contender, plan);
  }
  const samples: Samples = new Map(WORK_NAMES.map((work) => [work, new Map()]));
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const work of WORK_NAMES) {
      progress(`round ${round + 1} of ${plan.rounds}: ${WORKS[work].title}`);
      for (const name of rotated(CONTENDER_NAMES, round)) {
        const contender = contenders.get(name);
        if (contender === undefined || LEFT_OUT[name]?.includes(work)) continue;
        const figures = await measure(client, contender, WORKS[work], plan).catch((cause: unknown) => {
          throw new Error(`${name} failed at: ${WORKS[work].title}`, { cause });
        });
        const ofWork = samples.get(work);
        ofWork?.set(name, [...(ofWork.get(name) ?? []), figures]);
      }
    }
  }
  await client.stop();
  return samples;
}

export async function warmUp(
  client: Client,
  { target }: Pick<Contender, 'target'>,
  { firstWarmUpMs }: Plan,
): Promise<void> {
  for (const work of [WORKS.upload1, WORKS.events, WORKS.small20]) {
    await client.ask('open', { target, work });
    await client.ask('run', work === WORKS.small20 ? firstWarmUpMs : firstWarmUpMs / 4);
    await client.ask('close');
  }
}

export async function measure(
  client: Client,
  { target, usage }: Pick<Contender, 'target' | 'usage'>,
  work: Work,
  plan: Plan,
): Promise<Figures> {
  await client.ask('open', { target, work });
  await client.ask('run', plan.warmUpMs);
  const before = await usage();
  const load = await client.ask('run', plan.measureMs);
  const after = await usage();
  await client.ask('close');

  const { requests, seconds, answerBytes, ...times } = load;
  const cpu = difference(after?.cpuMicroseconds, before?.cpuMicroseconds);
  return {
    requestsPerSecond: requests / seconds,
    megabytesPerSecond: (answerBytes + requests * work.promptLength) / seconds / 1_000_000,
    ...times,
    ...(cpu === undefined ? {} : { cpuMicrosecondsPerRequest: cpu / requests }),
    ...(after === undefined ? {} : { residentMegabytes: after.rss / 1_000_000 }),
  };
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}

export function rotated<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
