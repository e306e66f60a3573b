import { abortable } from '../abortable.ts';
import type { AwsCredentials } from '../aws/credentials.ts';
import { ProxyError } from '../errors.ts';

export interface CredentialsProvider {
  /** The keys to sign with. @throws ProxyError `unavailable` when there are none */
  get(): Promise<AwsCredentials>;
  /**
   * Other keys to try once after AWS has refused `refused`, or undefined when there are none.
   */
  replace(refused: AwsCredentials): Promise<AwsCredentials | undefined>;
}

/** Reads the keys from where they are kept. An error may carry `retryAfterSeconds`. */
export type LoadCredentials = (signal: AbortSignal) => Promise<AwsCredentials>;

export interface CacheOptions {
  /** Age after which the keys are read again in the background, in milliseconds. */
  readonly refreshMs: number;
  /** Told of every failed reading. */
  readonly onFailure: (error: unknown, stale: boolean) => void;
}

/** Bound for one reading, token and secret together. */
const LOAD_TIMEOUT_MS = 10_000;

/** Pause after a failed reading while there are no keys: callers get 503 at once instead of queueing on the vault. */
const COLD_PAUSE_MS = 1000;

/** Pause after a failed reading while older keys are at hand. */
const WARM_PAUSE_MS = 30_000;

/** Longest pause that a `Retry-After` of the vault can ask for: callers get 503 meanwhile. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Least time between two readings that refused signatures ask for: a wrong key must not hammer the vault. Shorter than
 * the pause after a failed reading in the background, because no call can succeed until this one has.
 */
const FORCED_PAUSE_MS = 10_000;

/** How long the previous keys go first after AWS has refused the newest ones, which take seconds to become valid. */
const PREVIOUS_FIRST_MS = 5000;

/** For so long after AWS has refused keys, they are nothing to fall back on: half of a rotated pair, for instance. */
const RECENTLY_REFUSED_MS = 60_000;

/** Keys that never change: those of the environment. */
export function fixedCredentials(credentials: AwsCredentials): CredentialsProvider {
  return { get: async () => credentials, replace: async () => undefined };
}

/**
 * Keeps the keys in memory: one reading at a time, renewed in the background, older keys go on while reading fails.
 * The object that `get` returns stays the same as long as the keys do.
 */
export function cachedCredentials(load: LoadCredentials, options: CacheOptions): CredentialsProvider {
  let current: AwsCredentials | undefined;
  let previous: AwsCredentials | undefined;
  let loadedAt = 0;
  let loading: Promise<AwsCredentials> | undefined;
  let failure = new ProxyError('unavailable', 'The AWS credentials could not be read.');
  let pausedUntil = 0;
  /** End of the pause that the vault itself has asked for. */
  let throttledUntil = 0;
  let forcedAt = Number.NEGATIVE_INFINITY;
  /** When AWS refused the current keys. */
  let refusedAt = Number.NEGATIVE_INFINITY;
  let previousFirstUntil = 0;

  const accept = (loaded: AwsCredentials): AwsCredentials => {
    loadedAt = performance.now();
    if (current !== undefined && sameKeys(current, loaded)) return current;
    if (previous === undefined || loadedAt - refusedAt >= RECENTLY_REFUSED_MS) previous = current;
    current = loaded;
    previousFirstUntil = 0;
    refusedAt = Number.NEGATIVE_INFINITY;
    return loaded;
  };
  const fail = (error: unknown): never => {
    const asked = retryAfterMs(error);
    const pause = Math.max(asked, current === undefined ? COLD_PAUSE_MS : WARM_PAUSE_MS);
    throttledUntil = performance.now() + asked;
    pausedUntil = performance.now() + pause;
    failure = new ProxyError('unavailable', 'The AWS credentials could not be read.', {
      cause: error,
      retryAfterSeconds: Math.ceil(pause / 1000),
    });
    options.onFailure(error, current !== undefined);
    throw failure;
  };
  const read = (): Promise<AwsCredentials> => {
    if (loading !== undefined) return loading;
    const timeout = AbortSignal.timeout(LOAD_TIMEOUT_MS);
    // The identity library does not obey the signal in every phase, hence the race.
    loading = abortable(load(timeout), timeout)
      .then(accept, fail)
      .finally(() => {
        loading = undefined;
      });
    return loading;
  };
  const mayRead = () => loading !== undefined || performance.now() >= pausedUntil;

  return {
    async get() {
      const now = performance.now();
      if (current === undefined) {
        if (!mayRead()) throw failure;
        return read();
      }
      if (now - loadedAt >= options.refreshMs && mayRead()) read().catch(() => {});
      return previous !== undefined && now < previousFirstUntil ? previous : current;
    },
    async replace(refused) {
      if (refused === previous) previousFirstUntil = 0;
      if (current !== refused) return current;
      refusedAt = performance.now();
      if (loading !== undefined) {
        await loading.catch(() => {});
        if (current !== refused) return current;
      }
      // One that began before the keys were changed has found the old ones: it is no reason to rest.
      const now = performance.now();
      if (now >= throttledUntil && now - forcedAt >= FORCED_PAUSE_MS) {
        await read().catch(() => {});
        forcedAt = performance.now();
        if (current !== refused) return current;
      }
      if (previous !== undefined) previousFirstUntil = performance.now() + PREVIOUS_FIRST_MS;
      return previous;
    },
  };
}

function sameKeys(one: AwsCredentials, other: AwsCredentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}

function retryAfterMs(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterSeconds' in error)) return 0;
  return typeof error.retryAfterSeconds === 'number' ? Math.min(1000 * error.retryAfterSeconds, LONGEST_PAUSE_MS) : 0;
}
