import type { ContenderName } from './contenders/all.ts';
import type { Figures, Measure } from './figures.ts';
import { type Spread, spreadOf } from './statistics.ts';
import type { WorkName } from './works.ts';

/** Figures by work and contender, one for each round; the rounds of two contenders belong together. */
export type Samples = ReadonlyMap<WorkName, ReadonlyMap<ContenderName, readonly Figures[]>>;

export type How = 'ratio' | 'difference';

/** Of two, round by round. */
export interface Comparison extends Spread {
  /** Half the width of the interval: of a ratio as a share of it, of a difference as a share of what the other shows. */
  readonly uncertainty: number;
}

/** Two contenders at one work. */
export function compare(
  samples: Samples,
  work: WorkName,
  measure: Measure,
  [one, other]: readonly [ContenderName, ContenderName],
  how: How,
): Comparison | undefined {
  const ofWork = samples.get(work);
  return compareRounds(ofWork?.get(one), ofWork?.get(other), measure, how);
}

/** The quotient or the difference of what two have shown in the same round. */
export function compareRounds<Key extends string>(
  ones: readonly { readonly [K in Key]?: number }[] = [],
  others: readonly { readonly [K in Key]?: number }[] = [],
  measure: Key,
  how: How,
): Comparison | undefined {
  const pairs = ones.flatMap((figures, round): readonly (readonly [number, number])[] => {
    const one = figures[measure];
    const other = others[round]?.[measure];
    return one === undefined || other === undefined ? [] : [[one, other]];
  });
  const spread = spreadOf(pairs.map(([one, other]) => (how === 'ratio' ? one / other : one - other)));
  if (spread === undefined) return undefined;
  const scale = how === 'ratio' ? spread.median : (spreadOf(pairs.map(([, other]) => other))?.median ?? 0);
  return { ...spread, uncertainty: (spread.high - spread.low) / 2 / scale };
}

/** A measure of one contender at one work over the rounds. */
export function spreadAt(
  samples: Samples,
  work: WorkName,
  contender: ContenderName,
  measure: Measure,
): Spread | undefined {
  return spreadOf(valuesOf(samples.get(work)?.get(contender) ?? [], measure));
}

/** The values that are there. */
export function valuesOf<T extends object>(figures: readonly T[], key: keyof T): number[] {
  return figures.map((each) => each[key]).filter((value): value is T[keyof T] & number => typeof value === 'number');
}
