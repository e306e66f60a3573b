import { execFile } from 'node:child_process';
import { createSecretKey, randomUUID, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import { ManagedIdentityCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTVerifyOptions } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startEntra } from './entra.ts';
import type { Entra } from './entra.ts';
import { startKeyVault } from './key-vault.ts';
import type { KeyVault } from './key-vault.ts';
import { startManagedIdentity } from './managed-identity.ts';
import type { ManagedIdentity } from './managed-identity.ts';

const RESOURCE = 'https://vault.azure.net';
const withoutRetries = { retryOptions: { maxRetries: 0 } };

/** The vault is plain http on a loopback address, which the SDK takes only with both switches. */
const toVault = { allowInsecureConnection: true, disableChallengeResourceVerification: true };

// One identity endpoint for the whole file: MSAL fixes it at the first token of the process.
let identity: ManagedIdentity;

beforeAll(async () => {
  identity = await startManagedIdentity();
});

beforeEach(() => {
  vi.stubEnv('IDENTITY_ENDPOINT', identity.environment.IDENTITY_ENDPOINT);
  vi.stubEnv('IDENTITY_HEADER', identity.environment.IDENTITY_HEADER);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await identity.close();
});

/** A credential of an identity that MSAL has no token of. */
function freshCredential(clientId: string = randomUUID()): ManagedIdentityCredential {
  return new ManagedIdentityCredential({ clientId, ...withoutRetries });
}

function tokenFor(resource: string, clientId: string = randomUUID()): Promise<string> {
  return freshCredential(clientId)
    .getToken(`${resource}/.default`)
    .then(({ token }) => token);
}

describe('managed identity', () => {
  test('gives the SDK a token with its lifetime, asked for as App Service documents it', async () => {
    const clientId = randomUUID();
    const arrival = identity.nextRequest();
    const { token, expiresOnTimestamp } = await freshCredential(clientId).getToken(`${RESOURCE}/.default`);

    const { method, url, headers } = await arrival;
    expect(method).toBe('GET');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      'api-version': '2019-08-01',
      resource: RESOURCE,
      client_id: clientId,
    });
    expect(headers['x-identity-header']).toBe(identity.environment.IDENTITY_HEADER);
    const issued = identity.issued(token);
    expect(issued).toMatchObject({ resource: RESOURCE, clientId });
    // MSAL counts from its own clock, in whole seconds.
    expect(Math.abs(expiresOnTimestamp / 1000 - (issued?.expiresOn ?? 0))).toBeLessThanOrEqual(1);
  });

  test('sends expires_on as a string and the identity it belongs to', async () => {
    const response = await getToken({ resource: RESOURCE, client_id: 'a-client' });
    const body = (await response.json()) as Record<string, unknown>;
    expect(body).toEqual({
      access_token: expect.any(String),
      expires_on: expect.stringMatching(/^\d{10}$/),
      resource: RESOURCE,
      token_type: 'Bearer',
      client_id: 'a-client',
    });
    const issued = identity.issued(String(body['access_token']));
    expect(issued?.expiresOn).toBe(Number(body['expires_on']));
    expect(issued?.expiresOn).toBeGreaterThan(Date.now() / 1000 + 86_000);
  });

  test.each([
    ['a wrong header', 401, {}, { 'x-identity-header': 'guessed' }],
    ['no header', 401, {}, { 'x-identity-header': undefined }],
    ['another api-version', 400, { 'api-version': '2017-09-01' }, {}],
    ['no resource', 400, { resource: undefined }, {}],
  ])('refuses %s with %i', async (_, status, query, headers) => {
    const response = await getToken({ resource: RESOURCE, ...query }, headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ statusCode: status, message: expect.any(String) });
  });

  test('fails on demand as often as told, and recovers', async () => {
    identity.fail(500, 1);
    await expect(freshCredential().getToken(RESOURCE)).rejects.toThrow('Failed on demand.');
    await expect(freshCredential().getToken(RESOURCE)).resolves.toMatchObject({ tokenType: 'Bearer' });
  });

  test('resets connections during an outage', async () => {
    identity.outage(true);
    await expect(freshCredential().getToken(RESOURCE)).rejects.toMatchObject({ name: 'CredentialUnavailableError' });
    await expect(getToken({ resource: RESOURCE })).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    identity.outage(false);
    expect((await getToken({ resource: RESOURCE })).status).toBe(200);
  });

  test('makes MSAL come back when tokens live shorter than its five minutes', async () => {
    const credential = freshCredential();
    const before = identity.requests.length;
    identity.tokenLifetime(240);
    await credential.getToken(RESOURCE);
    identity.tokenLifetime(86_400);
    const second = await credential.getToken(RESOURCE);
    expect(identity.requests.length).toBe(before + 2);
    expect(await credential.getToken(RESOURCE)).toMatchObject({ token: second.token });
    expect(identity.requests.length).toBe(before + 2);
  });

  test('shows the SDK, in a process of its own, only the identity it has and only with the right header', async () => {
    const clientId = randomUUID();
    const other = await startManagedIdentity({ clientId });
    try {
      const wrongHeader = { ...other.environment, IDENTITY_HEADER: 'guessed' };
      const [good, stranger, systemAssigned, intruder] = await Promise.all([
        tokenInChild(other.environment, clientId),
        tokenInChild(other.environment, randomUUID()),
        tokenInChild(other.environment),
        tokenInChild(wrongHeader, clientId),
      ]);
      expect(other.issued(good)).toMatchObject({ clientId, resource: RESOURCE });
      expect(stranger).toContain('No User Assigned or Delegated Managed Identity found');
      expect(systemAssigned).toContain('Unable to load the proper Managed Identity');
      expect(intruder).toContain('Unauthorized');
    } finally {
      await other.close();
    }
  });
});

describe('key vault', () => {
  let vault: KeyVault;

  beforeEach(async () => {
    vault = await startKeyVault({ identity, secrets: { 'aws-credentials': 'first' } });
  });

  afterEach(async () => {
    await vault.close();
  });

  function client(credential = freshCredential()): SecretClient {
    return new SecretClient(vault.url, credential, { ...toVault, ...withoutRetries });
  }

  test('challenges the first request of the SDK and answers the second', async () => {
    const secret = await client().getSecret('aws-credentials');

    expect(secret.value).toBe('first');
    expect(secret.properties).toMatchObject({
      vaultUrl: vault.url,
      name: 'aws-credentials',
      enabled: true,
      recoveryLevel: 'Recoverable',
      version: expect.stringMatching(/^[0-9a-f]{32}$/),
      createdOn: expect.any(Date),
    });
    expect(secret.properties.contentType).toBeUndefined();
    expect(vault.requests.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      expect.stringMatching(/^Bearer /),
    ]);
    expect(vault.reads('aws-credentials')).toBe(1);
  });

  test('sends the challenge in the form of the service', async () => {
    const response = await fetch(`${vault.url}/secrets/aws-credentials?api-version=7.4`);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer authorization="https://login.microsoftonline.com/${identity.tenantId}", resource="${RESOURCE}"`,
    );
    expect(await response.json()).toEqual({
      error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' },
    });
  });

  test('gives the new value after a rotation, and the old one by its version', async () => {
    const secrets = client();
    const before = await secrets.getSecret('aws-credentials');
    const version = vault.set('aws-credentials', 'second', { contentType: 'application/json' });
    const after = await secrets.getSecret('aws-credentials');

    expect(after.value).toBe('second');
    expect(after.properties).toMatchObject({ version, contentType: 'application/json' });
    const old = before.properties.version ?? '';
    expect((await secrets.getSecret('aws-credentials', { version: old })).value).toBe('first');
    expect(vault.reads('aws-credentials')).toBe(3);
  });

  test.each<[string, number, string, (to: KeyVault) => void]>([
    ['a removed secret', 404, 'SecretNotFound', (to) => to.remove('aws-credentials')],
    ['a disabled secret', 403, 'Forbidden', (to) => to.disable('aws-credentials')],
    ['an identity without role', 403, 'Forbidden', (to) => to.revokeRole()],
    ['throttling', 429, 'Throttled', (to) => to.throttle({ retryAfterSeconds: 7, times: 1 })],
    ['an unavailable service', 503, 'ServiceUnavailable', (to) => to.fail(503)],
  ])('shows the SDK %s as a RestError with %i', async (_, statusCode, code, arrange) => {
    arrange(vault);
    await expect(client().getSecret('aws-credentials')).rejects.toMatchObject({
      name: 'RestError',
      statusCode,
      code,
    });
    expect(vault.reads('aws-credentials')).toBe(0);
  });

  test('keeps a disabled secret and a missing role apart by the inner code', async () => {
    vault.set('disabled', 'old');
    vault.set('disabled', 'new');
    vault.disable('disabled');
    await expect(client().getSecret('disabled')).rejects.toMatchObject(innerCode('SecretDisabled'));
    vault.revokeRole();
    await expect(client().getSecret('aws-credentials')).rejects.toMatchObject(innerCode('ForbiddenByRbac'));
    vault.grantRole();
    await expect(client().getSecret('aws-credentials')).resolves.toMatchObject({ value: 'first' });
  });

  test('throttles with a Retry-After that the SDK obeys', async () => {
    vault.throttle({ retryAfterSeconds: 0, times: 2 });
    const patient = new SecretClient(vault.url, freshCredential(), toVault);
    await expect(patient.getSecret('aws-credentials')).resolves.toMatchObject({ value: 'first' });
    // Two throttled, the challenge, the answer.
    expect(vault.requests).toHaveLength(4);
  });

  test.each([
    ['a token from elsewhere', () => 'unknown', 'AKV10046'],
    ['a token for another resource', () => tokenFor('https://management.azure.com'), 'AKV10022'],
    ['an expired token', () => expiredToken(), 'TokenExpired'],
  ])('refuses %s', async (_, makeToken, message) => {
    const token = await makeToken();
    const held = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }) };
    const secrets = new SecretClient(vault.url, held, { ...toVault, ...withoutRetries });
    await expect(secrets.getSecret('aws-credentials')).rejects.toMatchObject({
      statusCode: 401,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['no api-version', 400, '/secrets/aws-credentials'],
    ['an unknown api-version', 400, '/secrets/aws-credentials?api-version=9.9'],
    ['a name the service does not allow', 400, '/secrets/aws_credentials?api-version=7.4'],
    ['an unknown version', 404, '/secrets/aws-credentials/0123?api-version=7.4'],
    ['another collection', 404, '/keys/aws-credentials?api-version=7.4'],
    ['a path that goes on', 404, '/secrets/aws-credentials/a/b?api-version=7.4'],
    ['a target that starts with two slashes', 404, '//host/secrets/aws-credentials?api-version=7.4'],
  ])('refuses %s with %i', async (_, status, target) => {
    const authorization = `Bearer ${await tokenFor(RESOURCE)}`;
    const response = await fetch(`${vault.url}${target}`, { headers: { authorization } });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  });

  test('resets open and new connections during an outage and serves again after it', async () => {
    const secrets = client();
    await secrets.getSecret('aws-credentials');
    vault.hang(true);
    const arrival = vault.nextRequest();
    const open = secrets.getSecret('aws-credentials');
    await arrival;
    vault.outage(true);
    await expect(open).rejects.toMatchObject({ name: 'RestError', code: 'ECONNRESET' });
    await expect(secrets.getSecret('aws-credentials')).rejects.toMatchObject({ code: 'ECONNRESET' });
    vault.hang(false);
    vault.outage(false);
    await expect(secrets.getSecret('aws-credentials')).resolves.toMatchObject({ value: 'first' });
    expect(vault.reads('aws-credentials')).toBe(2);
  });

  test('hangs until it is told otherwise, and never answers a client that has gone', async () => {
    const secrets = client();
    await secrets.getSecret('aws-credentials');
    vault.hang(true);
    const impatience = new AbortController();
    const arrivals = vault.nextRequest();
    const abandoned = secrets.getSecret('aws-credentials', { abortSignal: impatience.signal });
    await arrivals;
    impatience.abort();
    await expect(abandoned).rejects.toMatchObject({ name: 'AbortError' });

    const arrival = vault.nextRequest();
    const waiting = secrets.getSecret('aws-credentials');
    await arrival;
    vault.set('aws-credentials', 'second');
    vault.hang(false);
    await expect(waiting).resolves.toMatchObject({ value: 'second' });
    expect(vault.reads('aws-credentials')).toBe(2);
  });

  test('delays its answers', async () => {
    vault.delay(60_000);
    const arrival = vault.nextRequest();
    const outcome = fetch(`${vault.url}/`).catch((error: unknown) => error);
    await arrival;
    vault.delay(0);
    // The later request is answered while the earlier one still waits out its minute.
    expect((await fetch(`${vault.url}/`)).status).toBe(401);
    await vault.close();
    expect(await outcome).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
  });

  test('takes tokens that Entra signed, by way of the identity', async () => {
    const entra = await startEntra({ tenantId: identity.tenantId });
    const signed = await startManagedIdentity({
      tenantId: entra.tenantId,
      issueToken: (resource, expiresInSeconds) => entra.issueToken({ aud: resource }, { version: 1, expiresInSeconds }),
    });
    const signedVault = await startKeyVault({ identity: signed, secrets: { name: 'value' } });
    try {
      const body = (await (await getToken({ resource: RESOURCE }, {}, signed)).json()) as Record<string, unknown>;
      const token = String(body['access_token']);
      // The token is made after its end was told, within the same minute.
      const exp = expect.closeTo(Number(body['expires_on']), -2);
      expect(decodeJwt(token)).toMatchObject({ aud: RESOURCE, tid: entra.tenantId, exp });
      const response = await fetch(`${signedVault.url}/secrets/name?api-version=7.4`, {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(await response.json()).toMatchObject({ value: 'value' });
    } finally {
      await Promise.all([signedVault.close(), signed.close(), entra.close()]);
    }
  });
});

describe('entra', () => {
  let entra: Entra;

  beforeEach(async () => {
    entra = await startEntra();
  });

  afterEach(async () => {
    await entra.close();
  });

  function keys(options: Parameters<typeof createRemoteJWKSet>[1] = {}): ReturnType<typeof createRemoteJWKSet> {
    return createRemoteJWKSet(new URL(`${entra.authority}/${entra.tenantId}/discovery/v2.0/keys`), options);
  }

  function expectations(version: 1 | 2 = 2): JWTVerifyOptions {
    return {
      algorithms: ['RS256'],
      issuer:
        version === 1 ? `https://sts.windows.net/${entra.tenantId}/` : `${entra.authority}/${entra.tenantId}/v2.0`,
      audience: version === 1 ? `api://${entra.appClientId}` : entra.appClientId,
      requiredClaims: ['exp', 'nbf', 'oid', 'tid'],
    };
  }

  test('publishes several keys, each with the certificate its ids are the thumbprint of', async () => {
    const response = await fetch(`${entra.authority}/${entra.tenantId}/discovery/v2.0/keys`);
    const body = (await response.json()) as { keys: Record<string, unknown>[] };
    expect(body.keys.map((key) => key['kid'])).toEqual(entra.keyIds());
    expect(entra.keyIds().length).toBeGreaterThan(1);
    for (const key of body.keys) {
      expect(Object.keys(key).toSorted()).toEqual(['e', 'issuer', 'kid', 'kty', 'n', 'use', 'x5c', 'x5t']);
      expect(key).toMatchObject({ kty: 'RSA', use: 'sig', e: 'AQAB', issuer: expectations().issuer });
      const certificate = new X509Certificate(Buffer.from((key['x5c'] as string[])[0] ?? '', 'base64'));
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(certificate.publicKey.export({ format: 'jwk' })).toMatchObject({ n: key['n'], e: key['e'] });
      const thumbprint = Buffer.from(certificate.fingerprint.replaceAll(':', ''), 'hex').toString('base64url');
      expect([key['x5t'], key['kid']]).toEqual([thumbprint, thumbprint]);
      expect(Date.parse(certificate.validTo)).toBeGreaterThan(Date.now());
    }
  });

  test('describes the tenant, and no other', async () => {
    const path = 'v2.0/.well-known/openid-configuration';
    const configuration: unknown = await (await fetch(`${entra.authority}/${entra.tenantId}/${path}`)).json();
    expect(configuration).toMatchObject({
      issuer: `${entra.authority}/${entra.tenantId}/v2.0`,
      jwks_uri: `${entra.authority}/${entra.tenantId}/discovery/v2.0/keys`,
    });
    const stranger = await fetch(`${entra.authority}/${randomUUID()}/${path}`);
    expect([stranger.status, await stranger.json()]).toMatchObject([400, { error: 'invalid_tenant' }]);
    expect((await fetch(`${entra.authority}/`)).status).toBe(404);
    expect(entra.requests).toHaveLength(0);
  });

  test('issues version 2 tokens', async () => {
    const { payload, protectedHeader } = await jwtVerify(await entra.issueToken(), keys(), expectations());
    expect(protectedHeader).toEqual({ typ: 'JWT', alg: 'RS256', kid: entra.keyIds().at(-1) });
    expect(payload).toMatchObject({
      ver: '2.0',
      azp: entra.callerClientId,
      azpacr: '2',
      oid: entra.callerObjectId,
      sub: entra.callerObjectId,
      tid: entra.tenantId,
      uti: expect.any(String),
    });
    expect(payload).not.toHaveProperty('appid');
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3900);
  });

  test('issues version 1 tokens', async () => {
    const token = await entra.issueToken({}, { version: 1 });
    const { payload, protectedHeader } = await jwtVerify(token, keys(), expectations(1));
    expect(protectedHeader).toMatchObject({ kid: entra.keyIds().at(-1), x5t: entra.keyIds().at(-1) });
    expect(payload).toMatchObject({ ver: '1.0', appid: entra.callerClientId, oid: entra.callerObjectId });
    expect(payload).not.toHaveProperty('azp');
  });

  test('replaces and removes claims', async () => {
    const token = await entra.issueToken({ oid: 'someone', tid: undefined });
    expect(decodeJwt(token)).toMatchObject({ oid: 'someone', sub: entra.callerObjectId });
    expect(decodeJwt(token)).not.toHaveProperty('tid');
  });

  test.each<[string, string, (by: Entra) => Promise<string>]>([
    ['alg none', 'ERR_JOSE_ALG_NOT_ALLOWED', (by) => by.forge.unsigned()],
    ['HS256 with the public key', 'ERR_JOSE_ALG_NOT_ALLOWED', (by) => by.forge.hmacWithPublicKey()],
    ['a foreign key under a known id', 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', (by) => by.forge.foreignKey()],
    ['an unknown key', 'ERR_JWKS_NO_MATCHING_KEY', (by) => by.forge.unknownKey()],
    ['another RSA algorithm', 'ERR_JOSE_ALG_NOT_ALLOWED', (by) => by.issueToken({}, { algorithm: 'PS256' })],
    ['an expired token', 'ERR_JWT_EXPIRED', (by) => by.issueToken({}, { expiresInSeconds: -1 })],
    ['a future token', 'ERR_JWT_CLAIM_VALIDATION_FAILED', (by) => by.issueToken({}, { notBeforeInSeconds: 60 })],
    ['no expiry', 'ERR_JWT_CLAIM_VALIDATION_FAILED', (by) => by.issueToken({ exp: undefined })],
    ['another audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED', (by) => by.issueToken({ aud: randomUUID() })],
    ['version 1 for version 2', 'ERR_JWT_CLAIM_VALIDATION_FAILED', (by) => by.issueToken({}, { version: 1 })],
  ])('makes tokens that a verifier must refuse: %s', async (_, code, makeToken) => {
    const token = await makeToken(entra);
    await expect(jwtVerify(token, keys(), expectations())).rejects.toMatchObject({ code });
  });

  test('forges with the claims of a good token, so that only the signature can give it away', async () => {
    const good = decodeJwt(await entra.issueToken({ oid: 'victim' }));
    const forged = await Promise.all(Object.values(entra.forge).map((forge) => forge({ oid: 'victim' })));
    expect(forged).toHaveLength(4);
    for (const token of forged) {
      const { iss, aud, oid, azp, tid } = good;
      expect(decodeJwt(token)).toMatchObject({ iss, aud, oid, azp, tid });
    }
  });

  test('forges under the key ids it says, and an HMAC that the published key as secret confirms', async () => {
    const signer = entra.keyIds().at(-1);
    const { unsigned, hmacWithPublicKey, foreignKey, unknownKey } = entra.forge;
    const known = await Promise.all([unsigned(), hmacWithPublicKey(), foreignKey()]);
    expect(known.map((token) => decodeProtectedHeader(token).kid)).toEqual([signer, signer, signer]);
    expect(entra.keyIds()).not.toContain(decodeProtectedHeader(await unknownKey()).kid);
    const secret = createSecretKey(await publicKeyOf(entra), 'utf8');
    await expect(jwtVerify(await hmacWithPublicKey(), secret)).resolves.toHaveProperty('payload');
  });

  test('rotates to a key that verifiers have to fetch, and keeps the older ones', async () => {
    const [standby, old] = entra.keyIds();
    const verifier = keys({ cooldownDuration: 0 });
    await jwtVerify(await entra.issueToken(), verifier, expectations());
    expect(entra.requests).toHaveLength(1);

    const kid = await entra.rotateKeys();
    const token = await entra.issueToken();
    expect(decodeProtectedHeader(token).kid).toBe(kid);
    await jwtVerify(token, verifier, expectations());
    expect(entra.requests).toHaveLength(2);

    expect(entra.keyIds()).toEqual([standby, old, kid]);
    await jwtVerify(await entra.issueToken({}, { keyId: old ?? '' }), verifier, expectations());
    expect(entra.requests).toHaveLength(2);
    await expect(entra.issueToken({}, { keyId: 'nobody' })).rejects.toThrow('No key nobody is published.');
  });

  test('loses its keys in an outage, a failure and a hang', async () => {
    const token = await entra.issueToken();
    entra.outage(true);
    await expect(jwtVerify(token, keys(), expectations())).rejects.toMatchObject({ cause: { code: 'ECONNRESET' } });
    entra.outage(false);
    entra.fail(503, 1);
    await expect(jwtVerify(token, keys(), expectations())).rejects.toThrow('Expected 200 OK');
    entra.hang(true);
    await expect(jwtVerify(token, keys({ timeoutDuration: 50 }), expectations())).rejects.toBeInstanceOf(
      errors.JWKSTimeout,
    );
    entra.hang(false);
    await expect(jwtVerify(token, keys(), expectations())).resolves.toHaveProperty('payload');
  });
});

type Fields = Record<string, string | undefined>;

/** A request of the identity endpoint without the SDK; undefined leaves a parameter or header out. */
function getToken(query: Fields, headers: Fields = {}, from = identity): Promise<Response> {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = from.environment;
  const parameters = new URLSearchParams(defined({ 'api-version': '2019-08-01', ...query }));
  const sent = defined({ 'x-identity-header': IDENTITY_HEADER, ...headers });
  return fetch(`${IDENTITY_ENDPOINT}?${parameters}`, { headers: sent });
}

function defined(values: Fields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

async function expiredToken(): Promise<string> {
  identity.tokenLifetime(-1);
  try {
    const body = (await (await getToken({ resource: RESOURCE })).json()) as Record<string, unknown>;
    return String(body['access_token']);
  } finally {
    identity.tokenLifetime(86_400);
  }
}

/** The token the SDK gets, or the text of its error, in a process without MSAL's memory of this one. */
async function tokenInChild(environment: ManagedIdentity['environment'], clientId?: string): Promise<string> {
  const script = `
    import { ManagedIdentityCredential } from '@azure/identity';
    const [clientId] = process.argv.slice(1);
    const retryOptions = { maxRetries: 0 };
    const credential = new ManagedIdentityCredential(clientId ? { clientId, retryOptions } : { retryOptions });
    const outcome = await credential.getToken('${RESOURCE}/.default').catch((error) => ({ token: error.message }));
    process.stdout.write(outcome.token);
  `;
  const args = ['--input-type=module', '--eval', script, ...(clientId === undefined ? [] : [clientId])];
  const env = { PATH: process.env['PATH'], ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env });
  return stdout;
}

/** The newest published key in PEM. */
async function publicKeyOf(entra: Entra): Promise<string> {
  const response = await fetch(`${entra.authority}/${entra.tenantId}/discovery/v2.0/keys`);
  const { keys } = (await response.json()) as { keys: { x5c: string[] }[] };
  const certificate = new X509Certificate(Buffer.from(keys.at(-1)?.x5c[0] ?? '', 'base64'));
  return certificate.publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

function innerCode(code: string): object {
  return { statusCode: 403, details: { error: { innerError: { code } } } };
}
