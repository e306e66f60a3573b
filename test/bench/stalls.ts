import { HOSTILE_BODIES, HOSTILE_HEADS, honestBody, honestHead } from '../support/hostile-inputs.ts';

/** How long the event loop stands still for one input: milliseconds, for a body a megabyte; one figure a round. */
export interface Stall {
  readonly title: string;
  readonly kind: 'head' | 'body';
  readonly honest?: true;
  readonly rounds: readonly number[];
}

/** Above some of them a head is refused at once. */
const HEAD_BYTES = [1024, 2048, 4096, 8192];
const BODY_BYTES = 1_000_000;
const RUNS = 20;

/** Reads every hostile input in this process. Each round keeps the least of many runs: others only add to it. */
export async function measureStalls(rounds: number): Promise<readonly Stall[]> {
  const stalls: Stall[] = [];
  const add = async (stall: Omit<Stall, 'rounds'>, ...reads: readonly (() => unknown)[]) => {
    const figures: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const costs: number[] = [];
      for (const read of reads) costs.push(await leastOf(read));
      figures.push(Math.max(...costs));
    }
    stalls.push({ ...stall, rounds: figures });
  };
  await add({ title: 'honest head', kind: 'head', honest: true }, honestHead);
  for (const [title, , prepare] of HOSTILE_HEADS) {
    const reads = HEAD_BYTES.map(prepare);
    await add({ title, kind: 'head' }, ...reads);
  }
  await add({ title: 'honest body', kind: 'body', honest: true }, honestBody(BODY_BYTES));
  for (const [title, , prepare] of HOSTILE_BODIES) await add({ title, kind: 'body' }, prepare(BODY_BYTES));
  return stalls;
}

/** The worst of a kind in each round. */
export function worstOf(stalls: readonly Stall[], kind: Stall['kind']): number[] {
  const hostile = stalls.filter((stall) => stall.kind === kind && stall.honest !== true);
  return (hostile[0]?.rounds ?? []).map((_, round) => Math.max(...hostile.map(({ rounds }) => rounds[round] ?? 0)));
}

async function leastOf(read: () => unknown): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    const startedAt = performance.now();
    try {
      await read();
    } catch {
      // Refused.
    }
    least = Math.min(least, performance.now() - startedAt);
  }
  return least;
}
