import { boundedMap } from '../bounded-map.ts';
import type { Clock } from '../clock.ts';

/** Where the caches of a caller's prompts are, if that is not where its calls go by themselves. */
export interface Homes {
  of(key: string): string | undefined;
  /** Also each time that it is used: one that nobody uses is given up. */
  move(key: string, region: string): void;
  leave(key: string): void;
}

/** Prompt caches live for an hour at most without being used. */
const KEPT_MS = 3_600_000;

const MOST_HOMES = 10_000;

export function createHomes(clock: Clock): Homes {
  const homes = boundedMap<{ readonly region: string; readonly usedAt: number }>(MOST_HOMES);
  return {
    of(key) {
      const home = homes.get(key);
      return home !== undefined && clock.now() - home.usedAt < KEPT_MS ? home.region : undefined;
    },
    move: (key, region) => homes.set(key, { region, usedAt: clock.now() }),
    leave: (key) => homes.delete(key),
  };
}
