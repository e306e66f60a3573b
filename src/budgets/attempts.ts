import { askedMs } from '../bounded.ts';
import type { Clock } from '../clock.ts';

/** Attempts at one thing, for instance at an exchange with the store for one account. */
export interface Attempts {
  /** Whether the last one has failed. */
  isFailing(): boolean;
  /** Whether for so long, at least, all have failed. */
  isLost(milliseconds: number): boolean;
  succeeded(): void;
  /** @returns milliseconds for which to leave it alone */
  failed(error: unknown): number;
}

/** Pause after a failure: doubles with each in a row. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Of all that begin to fail, one is told in this time: when the store is out of reach, all accounts do at once. */
const TOLD_MS = 60_000;

/**
 * Makes attempts that are counted each by themselves, so that one that always fails neither slows the others down nor is
 * hurried by them.
 *
 * @param onFailure told of the first failure in a row, though of one a minute for all of them, and of every tenth
 */
export function createAttempts(clock: Clock, onFailure: (error: unknown, failures: number) => void): () => Attempts {
  let toldAt = Number.NEGATIVE_INFINITY;

  return () => {
    let failures = 0;
    let failingSince = 0;
    return {
      isFailing: () => failures > 0,
      isLost: (milliseconds) => failures > 0 && clock.now() - failingSince >= milliseconds,
      succeeded() {
        failures = 0;
      },
      failed(error) {
        failures += 1;
        if (failures === 1) failingSince = clock.now();
        const isFirst = failures === 1 && clock.now() - toldAt >= TOLD_MS;
        if (isFirst) toldAt = clock.now();
        if (isFirst || failures % 10 === 0) onFailure(error, failures);
        const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10));
        return Math.max(pauseMs, askedMs(error, LONGEST_PAUSE_MS));
      },
    };
  };
}
