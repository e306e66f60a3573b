import type { AwsCredentials } from '../aws/credentials.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { refreshing } from '../refreshing.ts';
import type { SharedCredentials } from './provider.ts';

/** Reads the keys from where they are kept. An error may carry `retryAfterSeconds`. */
export type LoadCredentials = (signal: AbortSignal) => Promise<AwsCredentials>;

export interface CacheOptions {
  /** Age after which the keys are read again in the background, in milliseconds. */
  readonly refreshMs: number;
  /** Told of every failed reading. */
  readonly onFailure: (error: unknown, stale: boolean) => void;
  readonly clock?: Clock;
  /** Milliseconds since 1970, which `expiration` is held against. */
  readonly date?: () => number;
}

/** Bound for one reading, token and secret together. */
const LOAD_TIMEOUT_MS = 10_000;

/** Pause after a failed reading while there are no keys: callers get 503 at once instead of queueing on the vault. */
const COLD_PAUSE = { firstMs: 1000, longestMs: 1000 };

/** Pause after a failed reading while older keys are at hand. */
const WARM_PAUSE = { firstMs: 30_000, longestMs: 30_000 };

/**
 * Least time between two readings that refused signatures ask for: a wrong key must not hammer the vault. After one that
 * failed it is the cold pause, because no call can succeed until the next one has.
 */
const FORCED = { pauseMs: 10_000, minAgeMs: 0 };

/** How long the previous keys go first after AWS has refused the newest ones, which take seconds to become valid. */
const PREVIOUS_FIRST_MS = 5000;

/** For so long after AWS has refused keys, they are nothing to fall back on: half of a rotated pair, for instance. */
const RECENTLY_REFUSED_MS = 60_000;

/**
 * Keeps the keys in memory, and the ones before them, to fall back on. The object that `get` returns stays the same as
 * long as the keys do.
 */
export function cachedCredentials(load: LoadCredentials, options: CacheOptions): SharedCredentials {
  const { clock = systemClock, date = () => Date.now() } = options;
  const lifetimeMs = ({ expiration }: AwsCredentials) =>
    expiration === undefined ? Number.POSITIVE_INFINITY : expiration.getTime() - date();
  let failure = new ProxyError('unavailable', 'The AWS credentials could not be read.');
  let current: AwsCredentials | undefined;
  let previous: AwsCredentials | undefined;
  /** When AWS refused the current keys. */
  let refusedAt = Number.NEGATIVE_INFINITY;
  let previousFirstUntil = Number.NEGATIVE_INFINITY;

  const source = refreshing({
    read: load,
    timeoutMs: LOAD_TIMEOUT_MS,
    freshMs: options.refreshMs,
    lifetimeMs,
    coldPause: COLD_PAUSE,
    warmPause: WARM_PAUSE,
    forced: FORCED,
    keep(loaded) {
      if (current !== undefined && sameKeys(current, loaded)) return current;
      if (previous === undefined || clock.now() - refusedAt >= RECENTLY_REFUSED_MS) previous = current;
      current = loaded;
      previousFirstUntil = Number.NEGATIVE_INFINITY;
      refusedAt = Number.NEGATIVE_INFINITY;
      return loaded;
    },
    onFailure({ error, stale, pauseMs }) {
      failure = new ProxyError('unavailable', 'The AWS credentials could not be read.', {
        cause: error,
        retryAfterSeconds: Math.ceil(pauseMs / 1000),
      });
      options.onFailure(error, stale);
    },
    clock,
  });
  const fallback = () => (previous !== undefined && lifetimeMs(previous) > 0 ? previous : undefined);

  return {
    async get() {
      const newest = await source.get().catch(() => {
        throw failure;
      });
      return (clock.now() < previousFirstUntil ? fallback() : undefined) ?? newest;
    },
    async replace(refused) {
      // Deleted, most likely: they help no more.
      if (refused === previous) {
        previous = undefined;
        previousFirstUntil = Number.NEGATIVE_INFINITY;
      }
      if (refused === current) refusedAt = clock.now();
      const others = await source.renewed(refused);
      if (others !== refused) return others;
      const before = fallback();
      if (before === undefined || before === refused) return undefined;
      previousFirstUntil = clock.now() + PREVIOUS_FIRST_MS;
      return before;
    },
  };
}

function sameKeys(one: AwsCredentials, other: AwsCredentials): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken &&
    one.expiration?.getTime() === other.expiration?.getTime()
  );
}
