/** What tells a wrong token from a right one, and is no secret. */
export interface TokenClaims {
  readonly iss?: string;
  readonly aud?: string;
  readonly sub?: string;
  readonly ver?: string;
}

/** The claims of a JSON web token that a trust policy asks for, unverified; none of a text that is no token. */
export function tokenClaims(token: string): TokenClaims {
  let payload: Record<string, unknown>;
  try {
    payload = { ...JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) };
  } catch {
    return {};
  }
  const names = ['iss', 'aud', 'sub', 'ver'] as const;
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = payload[name];
      return typeof value === 'string' ? [[name, value.slice(0, 200)]] : [];
    }),
  );
}
