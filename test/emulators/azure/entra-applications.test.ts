import { randomUUID } from 'node:crypto';
import { ManagedIdentityCredential } from '@azure/identity';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { entraTokens } from './entra-applications.ts';
import { startEntra, type Entra } from './entra.ts';
import { startManagedIdentity, type ManagedIdentity } from './managed-identity.ts';

const APPLICATION = { clientId: randomUUID() };
const NEWER = { clientId: randomUUID(), version: 2 } as const;

let entra: Entra;
// One for the whole file: MSAL fixes the endpoint at the first token of the process.
let identity: ManagedIdentity;

beforeAll(async () => {
  entra = await startEntra();
  identity = await startManagedIdentity({
    issueToken: entraTokens(entra, { 'api://aws-bedrock': APPLICATION, 'api://newer': NEWER }),
  });
  vi.stubEnv('IDENTITY_ENDPOINT', identity.environment.IDENTITY_ENDPOINT);
  vi.stubEnv('IDENTITY_HEADER', identity.environment.IDENTITY_HEADER);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([entra.close(), identity.close()]);
});

async function claimsFor(resource: string, clientId: string): Promise<Record<string, unknown>> {
  const credential = new ManagedIdentityCredential({ clientId, retryOptions: { maxRetries: 0 } });
  const { token } = await credential.getToken(`${resource}/.default`);
  const configuration = await fetch(`${entra.authority}/${entra.tenantId}/.well-known/openid-configuration`);
  const { jwks_uri: keys } = (await configuration.json()) as { jwks_uri: string };
  const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), { algorithms: ['RS256'] });
  return payload;
}

it('gives the SDK a token of version 1 for a registered application, with the ids of the identity', async () => {
  const clientId = randomUUID();
  const objectId = identity.objectId(clientId);
  expect(await claimsFor('api://aws-bedrock', clientId)).toMatchObject({
    iss: `https://sts.windows.net/${entra.tenantId}/`,
    aud: 'api://aws-bedrock',
    appid: clientId,
    sub: objectId,
    oid: objectId,
    tid: entra.tenantId,
    ver: '1.0',
  });
  expect(identity.objectId(randomUUID())).not.toBe(objectId);
});

it('gives one of version 2 where the registration asks for it: another issuer and audience, and who asked in azp', async () => {
  const clientId = randomUUID();
  const claims = await claimsFor('api://newer', clientId);
  expect(claims).toMatchObject({
    iss: `${entra.authority}/${entra.tenantId}/v2.0`,
    aud: NEWER.clientId,
    azp: clientId,
    sub: identity.objectId(clientId),
    ver: '2.0',
  });
  expect(claims).not.toHaveProperty('appid');
});

it('has no token for an application that is not registered, and one for each service of Azure', async () => {
  await expect(claimsFor('api://unknown', randomUUID())).rejects.toThrow('AADSTS500011');
  expect(await claimsFor('https://vault.azure.net', randomUUID())).toMatchObject({ aud: 'https://vault.azure.net' });
});
