/** Tells when nothing has happened for long, however busy the machine is. */
export interface IdleClock {
  /** Something has happened. */
  progress(): void;
  /** Calls back once, unless cancelled before by what it returns. */
  onIdle(callback: () => void): () => void;
  stop(): void;
}

/** A request that is not answered while so many idle seconds pass hangs: the limit of an upload is far below. */
export const HANG_SECONDS = 30;

const TICK_MS = 1000;

/**
 * Counts the seconds in which this process has run: one in which it did not get the processor, or many of them together, are
 * one tick. Any progress begins the count again.
 */
export function createIdleClock(seconds: number): IdleClock {
  const waiting = new Set<() => void>();
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (ticks < seconds) return;
    for (const callback of waiting) callback();
    waiting.clear();
  }, TICK_MS);
  return {
    progress() {
      ticks = 0;
    },
    onIdle(callback) {
      waiting.add(callback);
      return () => waiting.delete(callback);
    },
    stop: () => clearInterval(timer),
  };
}
