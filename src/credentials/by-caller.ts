import { ProxyError } from '../errors.ts';
import type { CredentialsProvider, SharedCredentials, SignedFor } from './provider.ts';
import { isRoleArn, partitionOfArn } from './role.ts';
import type { MakeSession } from './session-source.ts';
import { type NameSession, parseSession } from './session-template.ts';
import { createSessions, type Sessions, type SessionsOptions } from './sessions.ts';
import type { SessionRequest } from './sts.ts';

/** Which sessions calls are made in. */
export interface RoleOptions {
  /** Role to work in where the gateway orders none; absent: without a session, by the keys themselves. */
  readonly roleArn?: string;
  /** Of AWS, to which a role must belong: keys are good in no other. */
  readonly partition: string;
  readonly externalId?: string;
  readonly durationSeconds: number;
  /** As `parseSession` takes them, and has found nothing wrong with. */
  readonly sessionName: string;
  readonly sessionTags: string;
}

/** What sessions are made by. */
export type SessionBase =
  | { readonly keys: SharedCredentials; readonly assume: MakeSession }
  /** Sessions of `home` are made by a token, all others by a session of `home`. */
  | { readonly home: string; readonly byToken: MakeSession; assumeBy(keys: SharedCredentials): MakeSession };

/** Name of the session by which others are made. */
const HOME_NAME = 'bedrock-proxy';

/** A session made by a session lasts an hour at most, whatever the role allows. */
const LONGEST_CHAINED_SECONDS = 3600;

/** The keys, or the session, of each call. */
export function credentialsByCaller(
  base: SessionBase,
  role: RoleOptions,
  options: Omit<SessionsOptions, 'make'>,
): CredentialsProvider {
  const { roleArn, partition, externalId, durationSeconds } = role;
  const nameSession = namerOf(role);
  const { keys, sessions } = 'keys' in base ? ofKeys(base, options) : ofHome(base, role, options);

  /** Undefined for a call by the keys themselves. */
  const requestOf = (caller: SignedFor): SessionRequest | undefined => {
    if (caller.roleArn !== undefined) checkOrder(caller.roleArn, partition);
    const wanted = caller.roleArn ?? roleArn;
    if (wanted === undefined) return undefined;
    const external = externalId === undefined ? {} : { externalId };
    return { roleArn: wanted, ...nameSession(caller), durationSeconds, ...external };
  };
  const get = async (request: SessionRequest | undefined) =>
    request === undefined ? keys.get() : sessions.get(request);

  return {
    get: async (caller) => get(requestOf(caller)),
    async replace(refused, caller) {
      const request = requestOf(caller);
      return request === undefined ? keys.replace(refused) : sessions.replace(refused, request);
    },
    async probe(caller) {
      try {
        return await get(requestOf(caller));
      } catch (error) {
        // What sessions are made by has the first word: without it there can be none.
        const shared = await keys.get();
        // Nobody has called, so nobody's session can be asked for.
        if (error instanceof ProxyError && error.failure === 'accessDenied') return shared;
        throw error;
      }
    },
  };
}

/** @throws ProxyError for an order that cannot be carried out */
function checkOrder(roleArn: string, partition: string): void {
  if (!isRoleArn(roleArn)) throw wrongOrder('');
  if (partitionOfArn(roleArn) !== partition) throw wrongOrder(` of the partition ${partition}`);
}

/** The operator's mistake, and not the caller's: hence the cause, by which it is told in a line of its own. */
function wrongOrder(of: string): ProxyError {
  const message = `The order x-gateway-role-arn of the gateway is not the ARN of a role${of}.`;
  return new ProxyError('unavailable', message, { cause: new Error('x-gateway-role-arn') });
}

function namerOf({ sessionName, sessionTags }: RoleOptions): NameSession {
  const session = parseSession(sessionName, sessionTags);
  if (typeof session === 'function') return session;
  throw new Error(session.join('; '));
}

interface Made {
  readonly keys: SharedCredentials;
  readonly sessions: Sessions;
}

function ofKeys(
  { keys, assume }: Extract<SessionBase, { keys: unknown }>,
  options: Omit<SessionsOptions, 'make'>,
): Made {
  return { keys, sessions: createSessions({ ...options, make: assume }) };
}

function ofHome(
  { home, byToken, assumeBy }: Extract<SessionBase, { home: unknown }>,
  { durationSeconds }: RoleOptions,
  options: Omit<SessionsOptions, 'make'>,
): Made {
  const atHome = createSessions({ ...options, make: byToken });
  const request: SessionRequest = { roleArn: home, name: HOME_NAME, tags: {}, durationSeconds };
  const keys: SharedCredentials = {
    get: () => atHome.get(request),
    replace: (refused) => atHome.replace(refused, request),
  };
  const elsewhere = createSessions({ ...options, make: assumeBy(keys) });
  // With a token, STS takes no tags.
  const isByToken = ({ roleArn, tags }: SessionRequest) => roleArn === home && Object.keys(tags).length === 0;
  const chained = (wanted: SessionRequest) => ({
    ...wanted,
    durationSeconds: Math.min(durationSeconds, LONGEST_CHAINED_SECONDS),
  });
  return {
    keys,
    sessions: {
      get: (wanted) => (isByToken(wanted) ? atHome.get(wanted) : elsewhere.get(chained(wanted))),
      replace: (refused, wanted) =>
        isByToken(wanted) ? atHome.replace(refused, wanted) : elsewhere.replace(refused, chained(wanted)),
    },
  };
}
