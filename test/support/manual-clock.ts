import { setImmediate as turn } from 'node:timers/promises';

import type { Clock } from '../../src/clock.ts';

/** A clock that stands still until a test lets time pass. */
export interface ManualClock extends Clock {
  /** Lets time pass, and what is due meanwhile happen, in its order; then gives what follows from it a turn. */
  pass(milliseconds: number): Promise<void>;
  /** Callbacks that are still to come. */
  readonly pending: number;
}

/** @param turns that what follows from a callback gets before time goes on: no work may take time for want of them */
export function manualClock(start = 1_000_000, turns = 1): ManualClock {
  const due = new Map<() => void, number>();
  let time = start;
  return {
    now: () => time,
    after(milliseconds, callback) {
      // A key of its own for each timer, even where several have the same callback.
      const fire = () => callback();
      due.set(fire, time + milliseconds);
      return { cancel: () => void due.delete(fire) };
    },
    async pass(milliseconds) {
      const end = time + milliseconds;
      for (;;) {
        const [next] = [...due].toSorted(([, one], [, other]) => one - other);
        if (next === undefined || next[1] > end) break;
        time = Math.max(time, next[1]);
        due.delete(next[0]);
        next[0]();
        for (let turned = 0; turned < turns; turned += 1) await turn();
      }
      time = end;
      await turn();
    },
    get pending() {
      return due.size;
    },
  };
}
