import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';

import type { VerifiedToken, VerifyToken } from './admission.ts';

export interface EntraOptions {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  /** Origin of the token service, without a trailing slash. */
  readonly authority: string;
}

const MINUTE = 60_000;

/** Age at which the keys are read again in the background. Entra announces new keys a day before it uses them. */
const KEYS_REFRESH_MS = 60 * MINUTE;

/** Least time between two readings, failed ones included: made-up key ids must not hammer the token service. */
const KEYS_COOLDOWN_MS = MINUTE;

/** The same while there are no keys at all: until then nobody can call. */
const FIRST_KEYS_COOLDOWN_MS = 2000;

const KEYS_TIMEOUT_MS = 5000;
const CLOCK_TOLERANCE_SECONDS = 60;

type Resolver = ReturnType<typeof createLocalJWKSet>;

/**
 * Verifies access tokens of one Entra tenant: RS256 signature by the tenant's keys, issuer, audience, lifetime, tenant.
 *
 * The keys are kept without end and renewed in the background, so an outage of the key endpoint is not noticed.
 * `createRemoteJWKSet` of jose forgets known keys when they are too old, and its cooldown starts only after a success.
 */
export function createEntraVerifier(options: EntraOptions): VerifyToken {
  const keys = createKeyCache(`${options.authority}/${options.tenantId}/discovery/v2.0/keys`);
  const issuer = issuersOf(options);

  return async (token): Promise<VerifiedToken> => {
    const check = (resolver: Resolver) =>
      jwtVerify(token, resolver, {
        algorithms: ['RS256'],
        issuer,
        audience: [...options.audiences],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'iss', 'aud', 'oid', 'tid'],
      });
    const resolver = await keys.get();
    try {
      const { payload } = await check(resolver).catch((error: unknown) => {
        if (error instanceof errors.JWKSNoMatchingKey) return keys.renewed(resolver).then(check);
        throw error;
      });
      const { oid, tid } = payload;
      if (tid !== options.tenantId) return { invalid: 'token of another tenant' };
      return typeof oid === 'string' ? { callerId: oid } : { invalid: 'token without object id' };
    } catch (error) {
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

interface KeyCache {
  /** The keys known now; reads them when there are none. Rejects when that fails. */
  get(): Promise<Resolver>;
  /** Keys newer than `known` where they can be had, else `known`. */
  renewed(known: Resolver): Promise<Resolver>;
}

function createKeyCache(url: string): KeyCache {
  let current: Resolver | undefined;
  let readAt = 0;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<Resolver> | undefined;

  const read = (): Promise<Resolver> => {
    triedAt = performance.now();
    reading ??= fetchKeys(url)
      .then((keys) => {
        current = createLocalJWKSet(keys);
        readAt = performance.now();
        return current;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const coolingDown = (ms: number) => reading === undefined && performance.now() - triedAt < ms;

  return {
    async get() {
      if (current === undefined) {
        if (coolingDown(FIRST_KEYS_COOLDOWN_MS)) throw new Error('the key endpoint failed a moment ago');
        return read();
      }
      if (performance.now() - readAt > KEYS_REFRESH_MS && !coolingDown(KEYS_COOLDOWN_MS)) read().catch(() => {});
      return current;
    },
    async renewed(known) {
      if (current === known && !coolingDown(KEYS_COOLDOWN_MS)) await read().catch(() => {});
      return current ?? known;
    },
  };
}

async function fetchKeys(url: string): Promise<JSONWebKeySet> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(KEYS_TIMEOUT_MS) });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`key endpoint answered ${response.status}`);
  }
  const keys = (await response.json()) as JSONWebKeySet;
  if (!Array.isArray(keys.keys) || keys.keys.length === 0) throw new Error('key endpoint answered no keys');
  return keys;
}
