import type { AwsCredentials } from '../aws/credentials.ts';
import type { SharedCredentials } from './provider.ts';
import type { SessionRequest, Sts } from './sts.ts';
import { tokenClaims } from './token-claims.ts';

/** Gets a token that STS takes for a web identity. */
export type ReadToken = (signal: AbortSignal) => Promise<string>;

/** Makes a session at STS. */
export type MakeSession = (request: SessionRequest, signal: AbortSignal) => Promise<AwsCredentials>;

/** Codes by which STS refuses the keys that asked, and not what they asked for. */
const KEYS_REFUSED = /^(?:ExpiredToken|InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient)(?:Exception)?$/;

/** Sessions by `AssumeRole`; once more with other keys if AWS no longer accepts these. */
export function byKeys(base: SharedCredentials, sts: () => Promise<Sts>): MakeSession {
  return async (request, signal) => {
    const { assumeRole } = await sts();
    const keys = await base.get();
    try {
      return await assumeRole(keys, request, signal);
    } catch (error) {
      if (!KEYS_REFUSED.test(codeOf(error) ?? '')) throw error;
      const others = await base.replace(keys);
      if (others === undefined) throw error;
      return assumeRole(others, request, signal);
    }
  };
}

/** There is no token for a web identity: STS was not asked. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/**
 * Sessions by `AssumeRoleWithWebIdentity`. An error carries the `claims` of the token that STS has refused, or is a
 * TokenError.
 */
export function byWebIdentity(readToken: ReadToken, sts: () => Promise<Sts>): MakeSession {
  return async (request, signal) => {
    const { assumeRoleWithWebIdentity } = await sts();
    const token = await readToken(signal).catch((cause: unknown) => {
      throw new TokenError('The identity has given no token.', { cause });
    });
    try {
      return await assumeRoleWithWebIdentity(token, request, signal);
    } catch (error) {
      throw error instanceof Error ? Object.assign(error, { claims: tokenClaims(token) }) : error;
    }
  };
}

/** STS's code of an error; undefined where it has not answered. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
