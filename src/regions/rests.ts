import { boundedMap } from '../bounded-map.ts';
import type { Clock } from '../clock.ts';

/** What is left alone for a while after it has refused: a region, or a model in it, for all or for one subscription. */
export interface Rests {
  /** Milliseconds until it is asked again; 0 for what does not rest. */
  remainingMs(key: string): number;
  /** @param retryAfterMs as it has said itself, in the place of a growing pause */
  refused(key: string, retryAfterMs?: number): void;
  served(key: string): void;
}

/**
 * The first pause is short: one call of fifty that is refused, as happens near a quota, must not send all the others away
 * from the caches of their prompts. A region that goes on refusing has the longest one after half a minute.
 */
const FIRST_MS = 250;
const LONGEST_MS = 30_000;

/** Longest pause that is taken on AWS's word. */
const LONGEST_ASKED_MS = 300_000;

/** For so long after a pause, a further refusal continues the row of pauses. */
const REMEMBERED_MS = 60_000;

/** @param most rests that are remembered: those that were used last */
export function createRests(clock: Clock, most: number): Rests {
  const rests = boundedMap<{ readonly pauseMs: number; readonly until: number }>(most);
  return {
    remainingMs: (key) => Math.max(0, (rests.get(key)?.until ?? 0) - clock.now()),
    refused(key, retryAfterMs) {
      const now = clock.now();
      const last = rests.get(key);
      const asked = retryAfterMs === undefined ? undefined : now + Math.min(retryAfterMs, LONGEST_ASKED_MS);
      // Sent before the pause began: it says nothing that was not known then.
      if (last !== undefined && now < last.until) {
        rests.set(key, { ...last, until: Math.max(last.until, asked ?? 0) });
        return;
      }
      const goesOn = last !== undefined && now - last.until < REMEMBERED_MS;
      const pauseMs = goesOn ? Math.min(2 * last.pauseMs, LONGEST_MS) : FIRST_MS;
      rests.set(key, { pauseMs, until: asked ?? now + pauseMs });
    },
    served: (key) => rests.delete(key),
  };
}
