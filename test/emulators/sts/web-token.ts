import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JSONWebKeySet, type JWTPayload } from 'jose';
import { StsError } from './sts-error.ts';

/** The algorithms that STS takes ("AssumeRoleWithWebIdentity", `WebIdentityToken`). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];

const NO_KEY =
  "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity " +
  'documentation for requirements';

/** What a trust policy can ask of a token. */
export interface WebIdentity {
  /** Without `https://`, as condition keys and provider ARNs have it. */
  readonly provider: string;
  readonly subject: string;
  /** What STS takes for the audience: the authorized party where the token names one. */
  readonly audience: string;
  /** Values of the condition keys. */
  readonly context: Readonly<Record<string, string | undefined>>;
}

/** The token's issuer, before anything of it is believed. */
export function issuerOf(token: string): string {
  try {
    const { iss } = decodeJwt(token);
    if (typeof iss === 'string') return iss;
  } catch {
    // Told below.
  }
  throw identityToken('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)');
}

/**
 * Verifies a token by the keys that its issuer publishes.
 *
 * @param base where the issuer's configuration is read, without a trailing slash
 * @throws StsError
 */
export async function verifyToken(
  token: string,
  { issuer, base, clientIds, now }: { issuer: string; base: string; clientIds: readonly string[]; now: Date },
): Promise<WebIdentity> {
  const keys = await publishedKeys(issuer, base);
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    algorithms: ALGORITHMS,
    issuer,
    currentDate: now,
    requiredClaims: ['sub', 'aud', 'exp'],
  }).catch((error: unknown) => {
    throw refusalFor(error, now);
  });
  const audience = typeof payload['azp'] === 'string' ? payload['azp'] : payload.aud;
  if (typeof audience !== 'string' || !clientIds.includes(audience)) throw identityToken('Incorrect token audience');
  return webIdentity(issuer, payload, audience);
}

function webIdentity(issuer: string, payload: JWTPayload, audience: string): WebIdentity {
  const provider = issuer.replace(/^https?:\/\//, '');
  const subject = String(payload.sub);
  const context = {
    [`${provider}:aud`]: audience,
    [`${provider}:sub`]: subject,
    ...(typeof payload['azp'] === 'string' ? { [`${provider}:oaud`]: String(payload.aud) } : {}),
  };
  return { provider, subject, audience, context };
}

async function publishedKeys(issuer: string, base: string): Promise<JSONWebKeySet> {
  const configuration = await readJson(`${base}/.well-known/openid-configuration`);
  if (configuration['issuer'] !== issuer) throw identityToken(NO_KEY);
  return (await readJson(String(configuration['jwks_uri']))) as unknown as JSONWebKeySet;
}

async function readJson(url: string): Promise<Record<string, unknown>> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok !== true) {
    throw new StsError(400, 'IDPCommunicationError', 'The identity provider could not be reached to verify the token.');
  }
  return (await response.json()) as Record<string, unknown>;
}

function refusalFor(error: unknown, now: Date): StsError {
  if (error instanceof errors.JWTExpired) {
    const [at, end] = [Math.floor(now.getTime() / 1000), error.payload.exp];
    return new StsError(
      400,
      'ExpiredTokenException',
      `Token expired: current date/time ${at} must be before the expiration date/time ${end}`,
    );
  }
  if (error instanceof errors.JWKSNoMatchingKey) return identityToken(NO_KEY);
  if (error instanceof errors.JOSEError) return identityToken(`The token could not be verified: ${error.code}`);
  throw error;
}

/** 400 InvalidIdentityToken. */
export function identityToken(message: string): StsError {
  return new StsError(400, 'InvalidIdentityToken', message);
}
