import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';

import { BedrockRuntimeClient, ConverseCommand, ServiceUnavailableException } from '@aws-sdk/client-bedrock-runtime';
import { afterEach, describe, expect, it } from 'vitest';

import { fail } from '../emulators/bedrock/faults.ts';
import { type Chain, newKey, startChain, type ChainOptions } from '../emulators/chain.ts';
import { ask, call } from '../support/chain-calls.ts';
import { converse, modelId } from '../support/models.ts';
import type { RequestRecord } from '../support/records.ts';

const command = () => new ConverseCommand({ modelId, messages: [] });

let chain: Chain;
let client: BedrockRuntimeClient;

async function start(options: ChainOptions = {}) {
  chain = await startChain(options);
  client = new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1 });
}
afterEach(async () => {
  client.destroy();
  await chain.close();
});

function lastKeyId() {
  return chain.bedrock.requests.at(-1)?.accessKeyId;
}

async function health() {
  const headers = { authorization: `Bearer ${await chain.entra.issueToken()}` };
  const { status, body } = await ask(chain, '/health', { door: 'host', headers, body: null });
  return { status, body: String(body) };
}

/** The line beside a record that says why it failed. */
async function failureOf({ requestId }: RequestRecord): Promise<Record<string, unknown>> {
  const found = () =>
    chain.host.logs.find(({ message }) => message.startsWith(`{"event":"bedrock.failure","requestId":"${requestId}"`));
  while (found() === undefined) await turn();
  return JSON.parse(found()?.message ?? '');
}

describe('where the keys come from', () => {
  it('one secret with JSON, read once for many calls', async () => {
    await start();
    await Promise.all(Array.from({ length: 20 }, () => client.send(command())));
    expect(lastKeyId()).toBe(chain.key.accessKeyId);
    expect(chain.vault.reads('aws-credentials')).toBe(1);
    expect(await health()).toStrictEqual({ status: 200, body: '{"status":"ok"}' });
  });

  it('a session token is sent and signed', async () => {
    const key = { ...newKey(), sessionToken: 'IQoJb3JpZ2luX2VjE//8B+token=' };
    await start({ keys: [key], secrets: { 'aws-credentials': JSON.stringify(key) } });
    await client.send(command());
    const [request] = chain.bedrock.requests;
    expect(request?.headers['x-amz-security-token']).toBe(key.sessionToken);
    expect(request?.signedHeaders).toContain('x-amz-security-token');
  });

  it('two secrets, the layout of older vaults', async () => {
    const key = newKey();
    await start({
      keys: [key],
      secrets: { 'bedrock-accesskey': key.accessKeyId, 'bedrock-secretkey': key.secretAccessKey },
      settings: {
        AWS_ACCESS_KEY_ID_SECRET_NAME: 'bedrock-accesskey',
        AWS_SECRET_ACCESS_KEY_SECRET_NAME: 'bedrock-secretkey',
      },
    });
    await client.send(command());
    expect(lastKeyId()).toBe(key.accessKeyId);
  });

  it.each([
    [
      'none of the platform',
      'EnvironmentCredential',
      { IDENTITY_ENDPOINT: '' },
      'EnvironmentCredential is unavailable',
    ],
    ['one of Kubernetes, beside that of the platform', 'WorkloadIdentityCredential', {}, "open '/nowhere/token'"],
  ])('an identity that most apps never load: %s', async (_, credential, settings, cause) => {
    const kubernetes = { AZURE_TENANT_ID: randomUUID(), AZURE_FEDERATED_TOKEN_FILE: '/nowhere/token' };
    await start({ settings: { ...kubernetes, AZURE_TOKEN_CREDENTIALS: credential, ...settings } });
    expect((await ask(chain, converse)).status).toBe(503);
    const line = chain.host.logs.find(({ message }) => message.startsWith('{"event":"bedrock.credentials"'));
    expect(line?.message).toContain(cause);
  });

  it('the environment, without a vault', async () => {
    const key = { ...newKey(), sessionToken: 'token' };
    await start({
      keys: [key],
      settings: {
        KEY_VAULT_URI: '',
        AWS_ACCESS_KEY_ID: key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        AWS_SESSION_TOKEN: key.sessionToken,
      },
    });
    await client.send(command());
    expect(lastKeyId()).toBe(key.accessKeyId);
    expect(chain.vault.requests).toHaveLength(0);
  });
});

describe('rotation', () => {
  it('the old keys are dead at once: no call fails, the vault is read once more', async () => {
    await start();
    await client.send(command());
    const next = newKey();
    let sent = 0;
    const lanes = Array.from({ length: 20 }, async () => {
      while (sent < 400) {
        sent += 1;
        if (sent === 200) {
          chain.vault.set('aws-credentials', JSON.stringify(next));
          chain.bedrock.setKeys([next]);
        }
        await client.send(command());
      }
    });
    await Promise.all(lanes);
    expect(lastKeyId()).toBe(next.accessKeyId);
    expect(chain.vault.reads('aws-credentials')).toBe(2);
  });

  it('is noticed in the background as well', async () => {
    await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '1' } });
    await client.send(command());
    const next = newKey();
    chain.bedrock.setKeys([chain.key, next]);
    chain.vault.set('aws-credentials', JSON.stringify(next));
    while (lastKeyId() !== next.accessKeyId) await client.send(command());
    expect(chain.bedrock.requests.every(({ verified }) => verified)).toBe(true);
  });

  it('new keys that AWS does not accept yet: the previous ones go on', async () => {
    await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '1' } });
    await client.send(command());
    const next = newKey();
    chain.vault.set('aws-credentials', JSON.stringify(next));
    const tried = () => chain.bedrock.requests.some(({ accessKeyId }) => accessKeyId === next.accessKeyId);
    while (!tried()) await client.send(command());
    await client.send(command());
    expect(lastKeyId()).toBe(chain.key.accessKeyId);
  });

  it.each(['UnrecognizedClientException', 'InvalidSignatureException', 'ExpiredTokenException'])(
    '%s without newer keys: the failure is the proxy’s, AWS’s words are in the log, and the vault is asked once',
    async (errorType) => {
      await start();
      chain.bedrock.answer(fail(403, errorType, 'From AWS.', { 'x-amzn-requestid': 'id-of-aws' }), { times: 3 });
      for (let count = 0; count < 3; count += 1) {
        const { answer, record } = await call(chain, converse);
        expect(answer).toMatchObject({
          status: 503,
          headers: { 'x-amzn-errortype': 'ServiceUnavailableException' },
          body: Buffer.from('{"message":"AWS does not accept the credentials of this proxy."}'),
        });
        expect(record).toMatchObject({
          status: 503,
          outcome: 'refused',
          errorType,
          errorSource: 'proxy',
          attempts: 1,
          bedrockRequestId: 'id-of-aws',
          headersMs: expect.any(Number),
        });
        expect(record).not.toHaveProperty('usageUnknown');
        expect((await failureOf(record))['cause']).toBe(`SignatureRefused ${errorType}: From AWS.`);
      }
      expect(chain.vault.reads('aws-credentials')).toBe(2);
      expect(chain.bedrock.requests).toHaveLength(3);
      expect(await health()).toStrictEqual({
        status: 503,
        body: '{"message":"AWS does not accept the credentials of this proxy."}',
      });
      await client.send(command());
      expect((await health()).status).toBe(200);
    },
  );

  it('a refusal that repeats the canonical request shows the session token to nobody', async () => {
    const key = { ...newKey(), sessionToken: 'IQoJb3JpZ2luX2VjE//8B+token=' };
    await start({ keys: [key], secrets: { 'aws-credentials': JSON.stringify(key) } });
    const words = `No match.\n\nThe Canonical String for this request should have been\n'x-amz-security-token:${key.sessionToken}'`;
    chain.bedrock.answer(fail(403, 'InvalidSignatureException', words));
    const { answer, record } = await call(chain, converse);
    expect(String(answer.body)).not.toContain(key.sessionToken);
    // The whole log is searched for it when the chain closes.
    expect((await failureOf(record))['cause']).toBe('SignatureRefused InvalidSignatureException: No match.');
  });

  it('AccessDeniedException is no reason to read the vault', async () => {
    await start();
    chain.bedrock.answer(fail(403, 'AccessDeniedException', 'You may not.'));
    await expect(client.send(command())).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: 'You may not.',
    });
    expect(chain.vault.reads('aws-credentials')).toBe(1);
  });
});

describe('the clock of the machine is off', () => {
  it('one more request the first time, then none; the vault is not asked; one line says by how much', async () => {
    let skewMs = 0;
    await start({ awsClock: () => new Date(Date.now() + skewMs) });
    await client.send(command());
    skewMs = 600_000;
    const records = [];
    for (let count = 0; count < 3; count += 1) records.push((await call(chain, converse)).record);
    expect(records.map(({ status, attempts }) => [status, attempts])).toStrictEqual([
      [200, 2],
      [200, 1],
      [200, 1],
    ]);
    expect(records[0]).not.toHaveProperty('credentialsRefreshed');
    skewMs = 0;
    expect((await call(chain, converse)).record).toMatchObject({ status: 200, attempts: 2 });
    const lines = chain.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.clock"'));
    expect(lines.map(({ message }) => Math.round(JSON.parse(message).offsetSeconds / 10))).toStrictEqual([60, 0]);
    expect(chain.vault.reads('aws-credentials')).toBe(1);
  });
});

describe('no keys', () => {
  it.each([
    ['no such secret', { secrets: {} }],
    ['no JSON', { secrets: { 'aws-credentials': 'AKIA' } }],
    ['half of the keys', { secrets: { 'aws-credentials': '{"accessKeyId":"AKIAIOSFODNN7EXAMPLE"}' } }],
  ])('%s: a typed 503, and recovery without a restart', async (_name, options) => {
    await start(options);
    await expect(client.send(command())).rejects.toBeInstanceOf(ServiceUnavailableException);
    expect((await health()).status).toBe(503);
    expect(chain.bedrock.requests).toHaveLength(0);
    chain.vault.set('aws-credentials', JSON.stringify(chain.key));
    chain.bedrock.setKeys([chain.key]);
    for (;;) {
      const answered = await client.send(command()).then(
        () => true,
        (error: unknown) => !(error instanceof ServiceUnavailableException),
      );
      if (answered) break;
    }
    expect(lastKeyId()).toBe(chain.key.accessKeyId);
  });
});
