import { askedMs, bounded } from './bounded.ts';
import { type Clock, systemClock } from './clock.ts';

/** A value that is read from elsewhere and kept. */
export interface Refreshing<T> {
  /**
   * The value: at once when there is one, however old, unless its lifetime is over; else that of a reading. Rejects with
   * the failure of that reading, or with `Resting` when there must be none now.
   */
  get(): Promise<T>;
  /**
   * For whom `known` is not good enough: another value where one can be had, else `known`. Waits for the reading under
   * way, and then has one made if none was forced lately. Never rejects.
   */
  renewed(known: T): Promise<T>;
}

/** Times in milliseconds. */
export interface RefreshingOptions<T> {
  /** Reads the value. An error may carry `retryAfterSeconds`, for which its source wants to be left alone. */
  readonly read: (signal: AbortSignal) => Promise<T>;
  /** Bound for one reading; after it the signal is aborted, and the reading counts as failed whether it obeys or not. */
  readonly timeoutMs: number;
  /** Age from which on the value is read again in the background, while the old one goes on. */
  readonly freshMs: number;
  /** How long a value that has just been read may be used. Absent: without end, for instance through an outage. */
  readonly lifetimeMs?: (value: T) => number;
  /** Pauses after failures while there is no value: callers are refused at once instead of queueing on the source. */
  readonly coldPause: Pause;
  /** Pauses after failures while there is a value. */
  readonly warmPause: Pause;
  readonly forced: {
    /** Least time between the end of a forced reading and the next one; after one that failed, `coldPause` if shorter. */
    readonly pauseMs: number;
    /** A value that was read more recently needs none. */
    readonly minAgeMs: number;
  };
  /** What to keep of a reading; for instance the same object as before when nothing has changed; absent: what was read. */
  readonly keep?: (read: T) => T;
  /** Told of every failed reading. */
  readonly onFailure?: (failure: FailedReading) => void;
  readonly clock?: Clock;
}

/** Doubles with each failure in a row. */
export interface Pause {
  readonly firstMs: number;
  readonly longestMs: number;
}

export interface FailedReading {
  readonly error: unknown;
  /** Whether an older value goes on. */
  readonly stale: boolean;
  /** The pause that follows. */
  readonly pauseMs: number;
}

/** There is no value, and the last reading failed too short a time ago for another one; that failure is the cause. */
export class Resting extends Error {
  override readonly name = 'Resting';
}

/** Longest pause that `retryAfterSeconds` can ask for: without a value, callers are refused meanwhile. */
const LONGEST_ASKED_MS = 60_000;

/** A value is renewed after this share of its lifetime at the latest. */
const RENEWED_AT = 0.9;

interface Kept<T> {
  readonly value: T;
  readonly readAt: number;
  readonly freshUntil: number;
  readonly goodUntil: number;
}

/** Keeps a value in memory: read when it is first asked for, one reading at a time, renewed in the background. */
export function refreshing<T>(options: RefreshingOptions<T>): Refreshing<T> {
  const { read, timeoutMs, coldPause, warmPause, forced, keep = (value) => value, clock = systemClock } = options;
  let kept: Kept<T> | undefined;
  let reading: Promise<T> | undefined;
  let lastFailure: unknown;
  /** Failures since the last success. */
  let failures = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  /** Pause that the source has asked for when it failed. */
  let wantedMs = 0;
  /** Whether the reading under way was asked for by `renewed`. */
  let isForced = false;
  let mayForceFrom = Number.NEGATIVE_INFINITY;

  const isGood = () => kept !== undefined && clock.now() < kept.goodUntil;
  const pauseMs = () => Math.max(wantedMs, pauseAfter(failures, isGood() ? warmPause : coldPause));
  const mayRead = () => reading !== undefined || clock.now() - failedAt >= pauseMs();

  const accept = (loaded: T): T => {
    const readAt = clock.now();
    const lifetimeMs = options.lifetimeMs?.(loaded) ?? Number.POSITIVE_INFINITY;
    // As good as nothing: the pauses after a failure must hold.
    if (lifetimeMs <= 0) throw new Error('what was read is no longer valid');
    const value = keep(loaded);
    const freshUntil = readAt + Math.min(options.freshMs, RENEWED_AT * lifetimeMs);
    kept = { value, readAt, freshUntil, goodUntil: readAt + lifetimeMs };
    failures = 0;
    failedAt = Number.NEGATIVE_INFINITY;
    if (isForced) mayForceFrom = readAt + forced.pauseMs;
    return value;
  };
  const fail = (error: unknown): never => {
    lastFailure = error;
    failures += 1;
    failedAt = clock.now();
    wantedMs = askedMs(error, LONGEST_ASKED_MS);
    // As without a value: whoever forced it has none that is good for anything.
    if (isForced) mayForceFrom = failedAt + Math.min(forced.pauseMs, pauseAfter(failures, coldPause));
    options.onFailure?.({ error, stale: isGood(), pauseMs: pauseMs() });
    throw error;
  };
  const start = (): Promise<T> => {
    reading ??= bounded(read, timeoutMs, clock)
      .then(accept)
      .catch(fail)
      .finally(() => {
        isForced = false;
        reading = undefined;
      });
    return reading;
  };

  return {
    async get() {
      if (kept !== undefined && isGood()) {
        if (clock.now() >= kept.freshUntil && mayRead()) start().catch(() => {});
        return kept.value;
      }
      if (!mayRead()) throw new Resting('reading failed a moment ago', { cause: lastFailure });
      return start();
    },
    async renewed(known) {
      // Whoever keeps this has forgotten the one that gave `known`.
      if (kept === undefined && mayRead()) await settled(start());
      if (reading !== undefined && kept?.value === known) await settled(reading);
      // A reading under way may have begun before there was something new: it is no reason to rest.
      if (kept?.value === known && mayForce(kept)) {
        isForced = true;
        await settled(start());
      }
      return kept !== undefined && isGood() ? kept.value : known;
    },
  };

  function mayForce({ readAt }: Kept<T>): boolean {
    const now = clock.now();
    return now - failedAt >= wantedMs && now >= mayForceFrom && now - readAt >= forced.minAgeMs;
  }
}

function pauseAfter(failures: number, { firstMs, longestMs }: Pause): number {
  return Math.min(longestMs, firstMs * 2 ** (failures - 1));
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => {});
}
