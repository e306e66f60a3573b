import { hash } from 'node:crypto';

/** Tokens that were verified: the gateway sends the same one with every call, for a day. */
export interface KnownTokens {
  /** Whom a token names; undefined for one that is to be verified. @param now milliseconds since 1970 */
  callerOf(token: string, now: number): string | undefined;
  /** @param goodUntil milliseconds since 1970 */
  add(token: string, callerId: string, goodUntil: number): void;
}

/** More than callers have at a time, each of them on the list of the settings; then the oldest is forgotten. */
const MOST_TOKENS = 100;

/** By their hashes: a token is kept no longer than its call. */
export function createKnownTokens(): KnownTokens {
  const known = new Map<string, { readonly callerId: string; readonly goodUntil: number }>();
  return {
    callerOf(token, now) {
      const found = known.get(hash('sha256', token));
      return found !== undefined && now < found.goodUntil ? found.callerId : undefined;
    },
    add(token, callerId, goodUntil) {
      if (known.size >= MOST_TOKENS) known.delete(known.keys().next().value ?? '');
      known.set(hash('sha256', token), { callerId, goodUntil });
    },
  };
}
