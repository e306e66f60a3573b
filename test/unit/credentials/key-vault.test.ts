import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { createVaultReader, type VaultOptions } from '../../../src/credentials/key-vault.ts';
import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { type KeyVault, startKeyVault } from '../../emulators/azure/key-vault.ts';
import { type ManagedIdentity, startManagedIdentity } from '../../emulators/azure/managed-identity.ts';

const JSON_LAYOUT = { json: 'aws-credentials' };
const TWO_SECRETS = { accessKeyId: 'aws-id', secretAccessKey: 'aws-secret' };

// One identity endpoint for the whole file: MSAL fixes it at the first token of the process.
let identity: ManagedIdentity;
let vault: KeyVault;

beforeAll(async () => {
  identity = await startManagedIdentity();
  vi.stubEnv('IDENTITY_ENDPOINT', identity.environment.IDENTITY_ENDPOINT);
  vi.stubEnv('IDENTITY_HEADER', identity.environment.IDENTITY_HEADER);
});

beforeEach(async () => {
  vault = await startKeyVault({
    identity,
    secrets: {
      'aws-credentials': '{"accessKeyId":"AKIDJSON","secretAccessKey":"json/secret+1"}',
      'aws-id': 'AKIDTWO',
      'aws-secret': 'two/secret+2',
    },
  });
});

afterEach(async () => {
  identity.fail(500, 0);
  identity.hang(false);
  identity.outage(false);
  await vault.close();
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await identity.close();
});

/** Reads as an identity that MSAL holds no token of. */
function read(secrets: VaultOptions['secrets'], signal = new AbortController().signal): Promise<AwsCredentials> {
  return createVaultReader({ uri: vault.url, secrets, identityClientId: randomUUID(), managedIdentity: true })(signal);
}

describe('what is read', () => {
  it('one secret with JSON', async () => {
    expect(await read(JSON_LAYOUT)).toStrictEqual({ accessKeyId: 'AKIDJSON', secretAccessKey: 'json/secret+1' });
    expect(vault.reads('aws-credentials')).toBe(1);
  });

  it('two secrets', async () => {
    expect(await read(TWO_SECRETS)).toStrictEqual({ accessKeyId: 'AKIDTWO', secretAccessKey: 'two/secret+2' });
  });

  it('two secrets with the line break of whoever pasted them', async () => {
    vault.set('aws-id', 'AKIDTWO\n');
    vault.set('aws-secret', ' two/secret+2\r\n');
    expect(await read(TWO_SECRETS)).toStrictEqual({ accessKeyId: 'AKIDTWO', secretAccessKey: 'two/secret+2' });
  });

  it('a session token', async () => {
    vault.set('aws-credentials', '{"accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t/+="}');
    expect(await read(JSON_LAYOUT)).toStrictEqual({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't/+=' });
  });

  it('a session token of null is none, and other members are left out', async () => {
    vault.set('aws-credentials', '{"accessKeyId":"A","secretAccessKey":"s","sessionToken":null,"note":"x y"}');
    expect(await read(JSON_LAYOUT)).toStrictEqual({ accessKeyId: 'A', secretAccessKey: 's' });
  });

  it('the current version, by one reader', async () => {
    const options = { uri: vault.url, secrets: JSON_LAYOUT, identityClientId: randomUUID(), managedIdentity: true };
    const reader = createVaultReader(options);
    const { signal } = new AbortController();
    await reader(signal);
    vault.set('aws-credentials', '{"accessKeyId":"AKIDNEXT","secretAccessKey":"s"}');
    expect(await reader(signal)).toMatchObject({ accessKeyId: 'AKIDNEXT' });
  });
});

describe('a malformed secret is named, and its value is not', () => {
  it.each([
    'SECRETVALUE',
    '{"accessKeyId":"SECRETVALUE","secretAccessKey":',
    '"SECRETVALUE"',
    '["SECRETVALUE","SECRETVALUE"]',
    'null',
    '5',
    '{}',
    '{"accessKeyId":"SECRETVALUE"}',
    '{"secretAccessKey":"SECRETVALUE"}',
    '{"accessKeyId":"","secretAccessKey":"SECRETVALUE"}',
    '{"accessKeyId":"A","secretAccessKey":"SECRET VALUE"}',
    '{"accessKeyId":"A","secretAccessKey":"SECRETVALUE\\n"}',
    '{"accessKeyId":"A","secretAccessKey":"SECRETVALUÉ"}',
    '{"accessKeyId":"A","secretAccessKey":5}',
    '{"accessKeyId":"A","secretAccessKey":["SECRETVALUE"]}',
    '{"accessKeyId":"A","secretAccessKey":"SECRETVALUE","sessionToken":5}',
    '{"accessKeyId":"A","secretAccessKey":"SECRETVALUE","sessionToken":""}',
  ])('%s', async (value) => {
    vault.set('aws-credentials', value);
    const error = await read(JSON_LAYOUT).then(
      () => expect.unreachable(),
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: 'VaultError' });
    for (let current: unknown = error; current instanceof Error; current = current.cause) {
      expect(`${current.message} ${current.stack}`).not.toMatch(/SECRET ?VALU/);
    }
  });

  it.each(['aws-id', 'aws-secret'])('%s is empty', async (name) => {
    vault.set(name, '');
    await expect(read(TWO_SECRETS)).rejects.toMatchObject({ name: 'VaultError' });
  });
});

describe('a vault that does not answer', () => {
  it.each<[string, number, () => void]>([
    ['no such secret', 404, () => vault.remove('aws-credentials')],
    ['a disabled secret', 403, () => vault.disable('aws-credentials')],
    ['no role', 403, () => vault.revokeRole()],
    ['a failure of the service', 500, () => vault.fail(500)],
  ])('%s', async (_name, statusCode, begin) => {
    begin();
    await expect(read(JSON_LAYOUT)).rejects.toMatchObject({
      name: 'VaultError',
      message: 'Secret aws-credentials could not be read',
      retryAfterSeconds: undefined,
      cause: expect.objectContaining({ statusCode }),
    });
  });

  it('one of two secrets is missing', async () => {
    vault.remove('aws-secret');
    await expect(read(TWO_SECRETS)).rejects.toMatchObject({ message: 'Secret aws-secret could not be read' });
  });

  it('throttled: says when to come back, and does not try again by itself', async () => {
    vault.throttle({ retryAfterSeconds: 17, times: 3 });
    await expect(read(JSON_LAYOUT)).rejects.toMatchObject({ retryAfterSeconds: 17 });
    expect(vault.requests).toHaveLength(1);
  });

  it('not there', async () => {
    vault.outage(true);
    await expect(read(JSON_LAYOUT)).rejects.toMatchObject({ name: 'VaultError' });
    expect(vault.requests).toHaveLength(2);
  });

  it('no identity', async () => {
    identity.fail(500);
    const before = identity.requests.length;
    await expect(read(JSON_LAYOUT)).rejects.toMatchObject({ name: 'VaultError' });
    expect(identity.requests.length - before).toBe(1);
    expect(vault.reads('aws-credentials')).toBe(0);
  });
});

describe('a connection that is closed just when it is used', () => {
  it.each([
    ['of the vault', () => vault.reset(1)],
    ['of the identity', () => identity.reset(1)],
  ])('%s: once more, at once', async (_name, begin) => {
    begin();
    expect(await read(JSON_LAYOUT)).toMatchObject({ accessKeyId: 'AKIDJSON' });
  });

  it.each([
    ['of the vault', () => vault.reset(2), () => vault.requests],
    ['of the identity', () => identity.reset(2), () => identity.requests],
  ])('%s, and the next one too: no third time', async (_name, begin, requests) => {
    const before = requests().length;
    begin();
    await expect(read(JSON_LAYOUT)).rejects.toMatchObject({ name: 'VaultError' });
    expect(requests().length - before).toBe(2);
  });
});

describe('an abort', () => {
  it('before', async () => {
    await expect(read(JSON_LAYOUT, AbortSignal.abort())).rejects.toMatchObject({ name: 'VaultError' });
    expect(vault.reads('aws-credentials')).toBe(0);
  });

  it('while the vault hangs', async () => {
    vault.hang(true);
    const controller = new AbortController();
    const arrival = vault.nextRequest();
    const reading = read(JSON_LAYOUT, controller.signal);
    reading.catch(() => {});
    await arrival;
    controller.abort();
    await expect(reading).rejects.toMatchObject({ name: 'VaultError', cause: { name: 'AbortError' } });
  });
});
