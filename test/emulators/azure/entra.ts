import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { accessTokenClaims } from './entra-claims.ts';
import type { ClaimOverrides, TokenOptions, TokenSubject } from './entra-claims.ts';
import { createSigningKey } from './entra-keys.ts';
import type { SigningKey } from './entra-keys.ts';
import { createForgedTokens } from './forged-tokens.ts';
import type { ForgedTokens } from './forged-tokens.ts';
import { startJsonServer } from './json-server.ts';
import type { Answer, Endpoint, RecordedRequest } from './json-server.ts';

export interface IssueOptions extends TokenOptions {
  /** Id of the published key that signs; the newest one without it. */
  keyId?: string;
  /** A JWA algorithm for RSA keys, by default Entra's RS256. */
  algorithm?: string;
}

export interface Entra extends Endpoint, TokenSubject {
  /** Ids of the published keys, the one that signs last. */
  keyIds(): string[];
  /** Signs the claims of a good token with `claims` put over them. */
  issueToken(claims?: ClaimOverrides, options?: IssueOptions): Promise<string>;
  readonly forge: ForgedTokens;
  /**
   * Adds a key that was not published before and signs with it from now on; returns its id. The older keys stay
   * published, as tokens signed with them are still about.
   */
  rotateKeys(): Promise<string>;
  /** Answers the next `times` requests (without it: all) with this status; 0 times ends it. */
  fail(status: number, times?: number): void;
}

/**
 * A Microsoft Entra tenant: its signing keys, its OpenID configuration and, without a protocol, its access tokens for
 * one application. `requests` holds the reads of the key endpoint of version 2.0 only.
 */
export async function startEntra(options: { tenantId?: string } = {}): Promise<Entra> {
  const tenantId = options.tenantId ?? randomUUID();
  const keyPath = `/${tenantId}/discovery/v2.0/keys`;
  // Where tokens of version 1 are verified: their issuer is not the authority, and has a configuration of its own.
  const version1KeyPath = `/${tenantId}/discovery/keys`;

  function answer({ method, url }: RecordedRequest): Answer {
    if (method !== 'GET') return { status: 405, body: { error: 'invalid_request' } };
    const path = url.pathname;
    if (path === keyPath || path === version1KeyPath) {
      return { status: 200, headers: CACHEABLE, body: { keys: keys.map(({ published }) => published) } };
    }
    if (path === `/${tenantId}/v2.0/.well-known/openid-configuration`) {
      return { status: 200, headers: CACHEABLE, body: openIdConfiguration(url.origin, tenantId) };
    }
    if (path === `/${tenantId}/.well-known/openid-configuration`) {
      return { status: 200, headers: CACHEABLE, body: version1Configuration(url.origin, tenantId) };
    }
    const tenant = /^\/([^/]+)\/(?:discovery\/v2\.0\/keys|v2\.0\/\.well-known\/openid-configuration)$/.exec(path)?.[1];
    return tenant === undefined ? { status: 404, body: { error: 'not_found' } } : unknownTenant(tenant);
  }

  const { override, ...endpoint } = await startJsonServer(answer);
  const authority = endpoint.url;
  const issuer = `${authority}/${tenantId}/v2.0`;
  // Entra always publishes several keys, so a verifier has to choose by `kid`.
  const [first, second] = await Promise.all([createSigningKey(issuer), createSigningKey(issuer)]);
  const keys: SigningKey[] = [first, second];
  const signer = (): SigningKey => keys.at(-1) ?? second;

  const subject: TokenSubject = {
    authority,
    tenantId,
    appClientId: randomUUID(),
    callerClientId: randomUUID(),
    callerObjectId: randomUUID(),
  };

  return {
    ...endpoint,
    ...subject,
    get requests() {
      return endpoint.requests.filter(({ url }) => url.pathname === keyPath);
    },
    keyIds: () => keys.map(({ published }) => published.kid),
    async issueToken(claims = {}, { keyId, algorithm = 'RS256', ...tokenOptions } = {}) {
      const key = keyId === undefined ? signer() : keys.find(({ published }) => published.kid === keyId);
      if (key === undefined) throw new Error(`No key ${keyId} is published.`);
      const { kid, x5t } = key.published;
      const header = { typ: 'JWT', alg: algorithm, kid, ...(tokenOptions.version === 1 ? { x5t } : {}) };
      return await new SignJWT(accessTokenClaims(subject, claims, tokenOptions))
        .setProtectedHeader(header)
        .sign(key.privateKey);
    },
    forge: createForgedTokens(signer, (claims, tokenOptions) => accessTokenClaims(subject, claims, tokenOptions)),
    async rotateKeys() {
      const key = await createSigningKey(issuer);
      keys.push(key);
      return key.published.kid;
    },
    fail: (status, times = Number.POSITIVE_INFINITY) =>
      override({ status, body: { error: 'server_error', error_description: 'Failed on demand.' } }, times),
  };
}

const CACHEABLE = { 'cache-control': 'max-age=86400, private' };

function openIdConfiguration(authority: string, tenantId: string): Record<string, unknown> {
  const base = `${authority}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${base}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    tenant_region_scope: 'EU',
  };
}

/** What `https://sts.windows.net/<tenant>/` says of itself: the issuer with its slash, and the same keys. */
function version1Configuration(authority: string, tenantId: string): Record<string, unknown> {
  const base = `${authority}/${tenantId}`;
  return {
    token_endpoint: `${base}/oauth2/token`,
    jwks_uri: `${base}/discovery/keys`,
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'token id_token', 'token'],
    issuer: `https://sts.windows.net/${tenantId}/`,
    authorization_endpoint: `${base}/oauth2/authorize`,
  };
}

/** What the service says of a tenant it does not have. */
function unknownTenant(tenant: string): Answer {
  const description = `AADSTS90002: Tenant '${tenant}' not found.`;
  return {
    status: 400,
    body: { error: 'invalid_tenant', error_description: description, error_codes: [90_002], trace_id: randomUUID() },
  };
}
