import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';

import type { Refreshing, RefreshingOptions } from '../refreshing.ts';
import type { VerifiedToken, VerifyToken } from './admission.ts';
import { createKnownTokens, type KnownTokens } from './known-tokens.ts';

export interface EntraOptions {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  /** Origin of the token service, without a trailing slash. */
  readonly authority: string;
}

const MINUTE = 60_000;

/** Age at which the keys are read again in the background. Entra announces new keys a day before it uses them. */
const KEYS_REFRESH_MS = 60 * MINUTE;

/**
 * Pause after a failed reading in the background. Also the least time between two readings for unknown key ids, and the
 * age of keys that need none: made-up ids must not hammer the token service.
 */
const KEYS_COOLDOWN_MS = MINUTE;

/** The same while there are no keys at all: until then nobody can call. */
const FIRST_KEYS_COOLDOWN_MS = 2000;

const KEYS_TIMEOUT_MS = 5000;
const CLOCK_TOLERANCE_SECONDS = 60;

/** The keys of the tenant as they were read once, and the tokens that they have verified. */
interface Keys {
  readonly resolve: ReturnType<typeof createLocalJWKSet>;
  readonly tokens: KnownTokens;
}

export interface EntraDependencies {
  /** `refreshing`; handed in because this module is a bundle of its own, and no module should be in two of them. */
  readonly keep: <T>(options: RefreshingOptions<T>) => Refreshing<T>;
  readonly fetch?: typeof fetch;
  /** The time that tokens are held against. */
  readonly date?: () => Date;
}

/**
 * Verifies access tokens of one Entra tenant: RS256 signature by the tenant's keys, issuer, audience, lifetime, tenant.
 * One that was valid is not verified again before it expires or the keys are read anew, which is every hour.
 *
 * The keys are kept without end and renewed in the background, so an outage of the key endpoint is not noticed.
 * `createRemoteJWKSet` of jose forgets known keys when they are too old, and its cooldown starts only after a success.
 */
export function createEntraVerifier(
  options: EntraOptions,
  { keep, fetch: fetchUrl = fetch, date = () => new Date() }: EntraDependencies,
): VerifyToken {
  const keysUrl = `${options.authority}/${options.tenantId}/discovery/v2.0/keys`;
  const keys = keep({
    read: async (signal): Promise<Keys> => ({
      resolve: createLocalJWKSet(await readKeys(fetchUrl, keysUrl, signal)),
      tokens: createKnownTokens(),
    }),
    timeoutMs: KEYS_TIMEOUT_MS,
    freshMs: KEYS_REFRESH_MS,
    coldPause: { firstMs: FIRST_KEYS_COOLDOWN_MS, longestMs: FIRST_KEYS_COOLDOWN_MS },
    warmPause: { firstMs: KEYS_COOLDOWN_MS, longestMs: KEYS_COOLDOWN_MS },
    forced: { pauseMs: KEYS_COOLDOWN_MS, minAgeMs: KEYS_COOLDOWN_MS },
  });
  const issuer = issuersOf(options);

  const check = async (token: string, { resolve, tokens }: Keys): Promise<VerifiedToken> => {
    const { payload } = await jwtVerify(token, resolve, {
      algorithms: ['RS256'],
      issuer,
      audience: [...options.audiences],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: date(),
      requiredClaims: ['exp', 'iss', 'aud', 'oid', 'tid'],
    });
    const { oid, tid, exp = 0 } = payload;
    if (tid !== options.tenantId) return { invalid: 'token of another tenant' };
    if (typeof oid !== 'string') return { invalid: 'token without object id' };
    tokens.add(token, oid, 1000 * (exp + CLOCK_TOLERANCE_SECONDS));
    return { callerId: oid };
  };

  return async (token) => {
    const known = await keys.get();
    const callerId = known.tokens.callerOf(token, date().getTime());
    if (callerId !== undefined) return { callerId };
    try {
      return await check(token, known).catch((error: unknown) => {
        if (error instanceof errors.JWKSNoMatchingKey) return keys.renewed(known).then((newer) => check(token, newer));
        throw error;
      });
    } catch (error) {
      // Its message quotes what the token asks for.
      if (error instanceof errors.JOSENotSupported) return { invalid: error.code };
      if (error instanceof errors.JOSEError) return { invalid: `${error.code}: ${error.message}` };
      throw error;
    }
  };
}

/**
 * The issuers of the tenant's v2 and v1 tokens. The v1 issuer is that of the worldwide cloud; sovereign clouds have
 * others, and their applications should ask for v2 tokens.
 */
function issuersOf({ authority, tenantId }: EntraOptions): string[] {
  const { hostname } = new URL(authority);
  const v1 = hostname === 'login.microsoftonline.com' || hostname === 'localhost' || hostname.startsWith('127.');
  return [`${authority}/${tenantId}/v2.0`, ...(v1 ? [`https://sts.windows.net/${tenantId}/`] : [])];
}

async function readKeys(fetchUrl: typeof fetch, url: string, signal: AbortSignal): Promise<JSONWebKeySet> {
  const response = await fetchUrl(url, { redirect: 'error', signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`key endpoint answered ${response.status}`);
  }
  const keys = (await response.json()) as JSONWebKeySet;
  if (!Array.isArray(keys.keys) || keys.keys.length === 0) throw new Error('key endpoint answered no keys');
  return keys;
}
