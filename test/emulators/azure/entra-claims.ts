import { randomBytes } from 'node:crypto';

/** Claims to add or replace; undefined leaves one out. */
export type ClaimOverrides = Readonly<Record<string, unknown>>;

export interface TokenOptions {
  /** Token version, which the app registration of the audience decides (`requestedAccessTokenVersion`); at first 2. */
  version?: 1 | 2;
  /** From now, by default an hour; negative for a token that has expired. */
  expiresInSeconds?: number;
  /** From now, by default -300 (Entra dates its tokens five minutes back); positive for one not valid yet. */
  notBeforeInSeconds?: number;
}

/** Who talks to whom in the tokens. */
export interface TokenSubject {
  readonly authority: string;
  readonly tenantId: string;
  /** Client id of the protected application. */
  readonly appClientId: string;
  /** Client id of the calling application or identity. */
  readonly callerClientId: string;
  /** Object id of the caller's service principal. */
  readonly callerObjectId: string;
}

/**
 * The claims of an app-only access token as the client credentials flow and managed identities get it ("Access token
 * claims reference" of the Microsoft identity platform).
 */
export function accessTokenClaims(
  subject: TokenSubject,
  overrides: ClaimOverrides,
  { version = 2, expiresInSeconds = 3600, notBeforeInSeconds = -300 }: TokenOptions,
): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const notBefore = now + notBeforeInSeconds;
  return {
    ...(version === 1 ? version1(subject) : version2(subject)),
    iat: notBefore,
    nbf: notBefore,
    exp: now + expiresInSeconds,
    oid: subject.callerObjectId,
    sub: subject.callerObjectId,
    tid: subject.tenantId,
    uti: randomBytes(16).toString('base64url'),
    ...overrides,
  };
}

function version1({ tenantId, appClientId, callerClientId }: TokenSubject): Record<string, unknown> {
  const issuer = `https://sts.windows.net/${tenantId}/`;
  return {
    aud: `api://${appClientId}`,
    iss: issuer,
    appid: callerClientId,
    appidacr: '2',
    idp: issuer,
    ver: '1.0',
  };
}

function version2({ authority, tenantId, appClientId, callerClientId }: TokenSubject): Record<string, unknown> {
  return {
    aud: appClientId,
    iss: `${authority}/${tenantId}/v2.0`,
    azp: callerClientId,
    azpacr: '2',
    ver: '2.0',
  };
}
