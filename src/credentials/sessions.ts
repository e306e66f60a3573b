import type { AwsCredentials } from '../aws/credentials.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { type Refreshing, refreshing } from '../refreshing.ts';
import { type MakeSession, TokenError } from './session-source.ts';
import type { SessionRequest } from './sts.ts';

/** A session that could not be made, or not in time. */
export interface FailedSession {
  readonly error: unknown;
  /** Whether the session before it goes on. */
  readonly stale: boolean;
  readonly request: SessionRequest;
}

export interface SessionsOptions {
  readonly make: MakeSession;
  /** Told of every failure of STS. */
  readonly onFailure: (failure: FailedSession) => void;
  readonly clock?: Clock;
  /** From 0 to 1, as `Math.random`. */
  readonly random?: () => number;
}

/** Sessions that are at hand, or made when they are first asked for. */
export interface Sessions {
  /** @throws ProxyError `unavailable` when STS gives none */
  get(request: SessionRequest): Promise<AwsCredentials>;
  /** Another session in the place of one that AWS has refused, or undefined. */
  replace(refused: AwsCredentials, request: SessionRequest): Promise<AwsCredentials | undefined>;
}

/** Bound for one session: token, and all calls of STS. */
const MAKE_TIMEOUT_MS = 5000;

/** After this many, the one that was used least recently is forgotten. */
const MOST_SESSIONS = 1000;

/** Growing pauses, in which a failing STS is not asked for this session. */
const COLD_PAUSE = { firstMs: 1000, longestMs: 30_000 };
const WARM_PAUSE = { firstMs: 5000, longestMs: 120_000 };

/** A session that AWS refuses is made anew, but not for every call. */
const FORCED = { pauseMs: 10_000, minAgeMs: 0 };

/**
 * Part of a session's life after which it is renewed: not all at one moment that were made at one moment. Late, so that STS
 * is asked little more than once for each life; of an hour there are six minutes left in which STS need not answer.
 */
const RENEWED_FROM = 0.8;
const RENEWED_TO = 0.9;

/**
 * One session for each role, name and set of tags, each with its own pauses: one that STS refuses does not disturb the
 * others.
 */
export function createSessions(options: SessionsOptions): Sessions {
  const { make, onFailure, clock = systemClock, random = Math.random } = options;
  const sessions = new Map<string, Refreshing<AwsCredentials>>();

  const create = (request: SessionRequest): Refreshing<AwsCredentials> => {
    let failure = refusal();
    // By what was asked for, and not by when AWS says that it ends: the clock of this machine may be off.
    const lifetimeMs = 1000 * request.durationSeconds - MAKE_TIMEOUT_MS;
    const source = refreshing({
      read: (signal) => make(request, signal),
      timeoutMs: MAKE_TIMEOUT_MS,
      freshMs: lifetimeMs * (RENEWED_FROM + (RENEWED_TO - RENEWED_FROM) * random()),
      lifetimeMs: () => lifetimeMs,
      coldPause: COLD_PAUSE,
      warmPause: WARM_PAUSE,
      forced: FORCED,
      onFailure({ error, stale, pauseMs }) {
        const retryAfterSeconds = Math.ceil(pauseMs / 1000);
        // What the session is made by has failed, and has been told.
        const isTold = error instanceof ProxyError;
        failure = isTold ? error : refusal(error, retryAfterSeconds);
        if (!isTold) onFailure({ error, stale, request });
      },
      clock,
    });
    return {
      get: () =>
        source.get().catch(() => {
          throw failure;
        }),
      renewed: source.renewed,
    };
  };

  const sessionOf = (request: SessionRequest): Refreshing<AwsCredentials> => {
    const key = JSON.stringify([request.roleArn, request.name, Object.entries(request.tags)]);
    const session = sessions.get(key) ?? create(request);
    // A map keeps the order of insertion: the first is the one that nobody has asked for the longest.
    sessions.delete(key);
    sessions.set(key, session);
    if (sessions.size > MOST_SESSIONS) sessions.delete(sessions.keys().next().value ?? key);
    return session;
  };

  return {
    get: async (request) => sessionOf(request).get(),
    async replace(refused, request) {
      const other = await sessionOf(request).renewed(refused);
      return other === refused ? undefined : other;
    },
  };
}

/** What a session is made by, and the role, are told apart: others mend them. */
function refusal(cause?: unknown, retryAfterSeconds?: number): ProxyError {
  const message =
    cause instanceof TokenError
      ? 'This proxy has no token of its managed identity for AWS.'
      : 'AWS gives this proxy no session of the role.';
  return new ProxyError('unavailable', message, {
    cause,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
