import { afterEach, describe, expect, it } from 'vitest';

import { controlled } from '../emulators/bedrock/controlled.ts';
import { fail } from '../emulators/bedrock/faults.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import { type Chain, type ChainOptions, newKey, startChain } from '../emulators/chain.ts';
import { type KeyVault, startKeyVault } from '../emulators/azure/key-vault.ts';
import { type ManagedIdentity, startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { ask, begin } from '../support/chain-calls.ts';
import { converse, converseStream } from '../support/models.ts';
import { nextChunk } from '../support/raw-client.ts';
import { DEADLINES_BY_HAND } from '../support/worker-deadlines.ts';

const SECRET = 'aws-credentials';

const ID_SECRET = 'bedrock-accesskey';
const KEY_SECRET = 'bedrock-secretkey';
const TWO_SECRETS = { AWS_ACCESS_KEY_ID_SECRET_NAME: ID_SECRET, AWS_SECRET_ACCESS_KEY_SECRET_NAME: KEY_SECRET };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: ChainOptions = {}): Promise<Chain> {
  const chain = await startChain(options);
  closers.push(() => chain.close());
  return chain;
}

interface Sick {
  readonly chain: Chain;
  readonly vault: KeyVault;
  readonly identity: ManagedIdentity;
}

/** A chain whose vault and token endpoint are in trouble before the worker starts. */
async function startSick(
  trouble: (vault: KeyVault, identity: ManagedIdentity) => void,
  options: ChainOptions = {},
): Promise<Sick> {
  const key = newKey();
  const identity = await startManagedIdentity();
  closers.push(() => identity.close());
  const vault = await startKeyVault({ identity, secrets: { [SECRET]: JSON.stringify(key) } });
  closers.push(() => vault.close());
  trouble(vault, identity);
  const settings = { KEY_VAULT_URI: vault.url, ...identity.environment };
  const chain = await start({ keys: [key], settings, ...options });
  return { chain, vault, identity };
}

async function call(chain: Chain, path = converse) {
  const { status, headers, body, complete } = await ask(chain, path);
  expect(complete).toBe(true);
  return {
    status,
    errorType: headers['x-amzn-errortype'],
    retryAfter: headers['retry-after'],
    body: String(body),
  };
}

const UNAVAILABLE = {
  status: 503,
  errorType: 'ServiceUnavailableException',
  body: '{"message":"The AWS credentials could not be read."}',
};

const REFUSED = {
  status: 503,
  errorType: 'ServiceUnavailableException',
  body: '{"message":"AWS does not accept the credentials of this proxy."}',
};

/** Calls until one succeeds; each of those before is refused in the one form. */
async function recovered(chain: Chain): Promise<void> {
  for (;;) {
    const answer = await call(chain);
    if (answer.status === 200) return;
    expect(answer).toMatchObject(UNAVAILABLE);
  }
}

/** Log lines of the credentials, oldest first. */
function alarms({ host }: Chain): { stale: boolean; cause: string }[] {
  return host.logs
    .filter(({ message }) => message.includes('"bedrock.credentials"'))
    .map((line) => JSON.parse(line.message));
}

/** Calls, each of which must succeed, until `done`. */
async function callUntil(chain: Chain, done: () => boolean): Promise<void> {
  while (!done()) expect(await call(chain)).toMatchObject({ status: 200 });
}

function usedKeys({ bedrock }: Chain): (string | undefined)[] {
  return bedrock.requests.map(({ accessKeyId }) => accessKeyId);
}

describe('rotation under load', () => {
  it('the old key is dead at once: no call of 600 fails, and the vault is read once more', async () => {
    const chain = await start();
    await call(chain);
    const open = controlled();
    chain.bedrock.answer(open.responder);
    const { response } = begin(chain, converseStream);
    const event = encodeEvent('messageStart', { role: 'assistant' });
    await open.send(event);
    await nextChunk(await response);

    const next = newKey();
    const failed: unknown[] = [];
    let begun = 0;
    const lane = async () => {
      while (begun < 600) {
        begun += 1;
        if (begun === 300) {
          chain.vault.set(SECRET, JSON.stringify(next));
          chain.bedrock.setKeys([next]);
        }
        const answer = await call(chain);
        if (answer.status !== 200) failed.push(answer);
      }
    };
    await Promise.all(Array.from({ length: 20 }, lane));
    expect({ failed, alarms: alarms(chain) }).toStrictEqual({ failed: [], alarms: [] });
    expect(chain.vault.reads(SECRET)).toBe(2);
    expect(usedKeys(chain).at(-1)).toBe(next.accessKeyId);
    // A stream that began with the old key goes on.
    const last = encodeEvent('messageStop', { stopReason: 'end_turn' });
    await open.send(last);
    expect((await nextChunk(await response))?.equals(last)).toBe(true);
    await open.end();
    expect(await nextChunk(await response)).toBeUndefined();
  });

  it('a vault that failed a moment ago is asked again all the same', async () => {
    const chain = await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '1' } });
    await call(chain);
    chain.vault.fail(500, 1);
    await callUntil(chain, () => alarms(chain).length > 0);
    const next = newKey();
    chain.vault.set(SECRET, JSON.stringify(next));
    chain.bedrock.setKeys([next]);
    expect(await call(chain)).toMatchObject({ status: 200 });
    expect(usedKeys(chain).at(-1)).toBe(next.accessKeyId);
  });

  it('while the vault closes its connection: no call fails', async () => {
    const chain = await start();
    await call(chain);
    const next = newKey();
    chain.vault.reset(1);
    chain.vault.set(SECRET, JSON.stringify(next));
    chain.bedrock.setKeys([next]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(chain)));
    expect(answers.filter(({ status }) => status !== 200)).toStrictEqual([]);
    expect(alarms(chain)).toStrictEqual([]);
  });

  it('a session that has ended is replaced by the one in the vault', async () => {
    const key = { ...newKey(), sessionToken: 'IQoJ-first-session' };
    const chain = await start({ keys: [key], secrets: { [SECRET]: JSON.stringify(key) } });
    await call(chain);
    const next = { ...newKey(), sessionToken: 'IQoJ-second-session' };
    chain.vault.set(SECRET, JSON.stringify(next));
    chain.bedrock.setKeys([key, next]);
    chain.bedrock.expireSessionToken(key.sessionToken);
    expect(await call(chain)).toMatchObject({ status: 200 });
    expect(usedKeys(chain)).toStrictEqual([key.accessKeyId, key.accessKeyId, next.accessKeyId]);
  });

  it('new keys that AWS accepts only seconds later: the previous ones serve until then, and no call fails', async () => {
    const chain = await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '1' } });
    await call(chain);
    const next = newKey();
    chain.vault.set(SECRET, JSON.stringify(next));
    const lanes = async (done: () => boolean) => Promise.all(Array.from({ length: 5 }, () => callUntil(chain, done)));
    await lanes(() => usedKeys(chain).includes(next.accessKeyId));
    chain.bedrock.setKeys([chain.key, next]);
    await lanes(() =>
      chain.bedrock.requests.some((request) => request.verified && request.accessKeyId === next.accessKeyId),
    );
    chain.bedrock.setKeys([next]);
    for (let count = 0; count < 20; count += 1) expect(await call(chain)).toMatchObject({ status: 200 });
  });

  it('two secrets, changed one after the other: the previous keys serve in between', async () => {
    const key = newKey();
    const chain = await start({
      keys: [key],
      secrets: { [ID_SECRET]: key.accessKeyId, [KEY_SECRET]: key.secretAccessKey },
      settings: { ...TWO_SECRETS, CREDENTIALS_REFRESH_SECONDS: '1' },
    });
    await call(chain);
    const next = newKey();
    chain.bedrock.setKeys([key, next]);
    chain.vault.set(ID_SECRET, next.accessKeyId);
    // The new id with the old secret: AWS refuses that pair.
    await callUntil(chain, () => chain.bedrock.requests.some(({ verified }) => !verified));
    chain.vault.set(KEY_SECRET, next.secretAccessKey);
    const served = () =>
      chain.bedrock.requests.some(({ verified, accessKeyId }) => verified && accessKeyId === next.accessKeyId);
    await callUntil(chain, served);
    expect(usedKeys(chain).at(-1)).toBe(next.accessKeyId);
  });

  it('two secrets, changed one after the other, and AWS accepts the new pair only later', async () => {
    const key = newKey();
    const chain = await start({
      keys: [key],
      secrets: { [ID_SECRET]: key.accessKeyId, [KEY_SECRET]: key.secretAccessKey },
      settings: { ...TWO_SECRETS, CREDENTIALS_REFRESH_SECONDS: '1' },
    });
    await call(chain);
    const next = newKey();
    chain.vault.set(ID_SECRET, next.accessKeyId);
    await callUntil(chain, () => chain.bedrock.requests.some(({ verified }) => !verified));
    chain.vault.set(KEY_SECRET, next.secretAccessKey);
    const reads = chain.vault.reads(KEY_SECRET);
    // Read, tried, and refused once more.
    const refused = () => chain.bedrock.requests.filter(({ verified }) => !verified).length;
    const before = refused();
    await callUntil(chain, () => chain.vault.reads(KEY_SECRET) > reads && refused() > before + 1);
    expect(usedKeys(chain).at(-1)).toBe(key.accessKeyId);
  });
});

describe('nothing to sign with at the start: a typed 503, and recovery without a restart', () => {
  it.each<[string, Parameters<typeof startSick>[0], (sick: Sick) => void]>([
    ['the vault resets connections', (vault) => vault.outage(true), ({ vault }) => vault.outage(false)],
    ['the vault fails', (vault) => vault.fail(500), ({ vault }) => vault.fail(500, 0)],
    ['the role is missing', (vault) => vault.revokeRole(), ({ vault }) => vault.grantRole()],
    [
      'the secret is disabled',
      (vault) => vault.disable(SECRET),
      ({ vault, chain }) => void vault.set(SECRET, JSON.stringify(chain.key)),
    ],
    [
      'the secret is no JSON',
      (vault) => void vault.set(SECRET, 'AKIA'),
      ({ vault, chain }) => void vault.set(SECRET, JSON.stringify(chain.key)),
    ],
    [
      'the token endpoint resets connections',
      (_, identity) => identity.outage(true),
      ({ identity }) => identity.outage(false),
    ],
    ['the token endpoint fails', (_, identity) => identity.fail(500), ({ identity }) => identity.fail(500, 0)],
    ['the app has no such identity', (_, identity) => identity.fail(400), ({ identity }) => identity.fail(400, 0)],
  ])('%s', async (_name, trouble, mend) => {
    const sick = await startSick(trouble);
    const { chain } = sick;
    const answer = await call(chain);
    expect(answer).toMatchObject(UNAVAILABLE);
    expect(Number(answer.retryAfter)).toBeGreaterThan(0);
    expect(chain.bedrock.requests).toHaveLength(0);
    expect(alarms(chain)[0]).toMatchObject({ stale: false, cause: expect.stringMatching(/\w{10}/) });
    mend(sick);
    await recovered(chain);
    expect(chain.host.restarts).toBe(0);
  });

  it('the vault is slow: the callers wait for the one reading', async () => {
    const { chain, vault } = await startSick((slow) => slow.delay(700));
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(chain)));
    expect(answers.filter(({ status }) => status !== 200)).toStrictEqual([]);
    expect(vault.reads(SECRET)).toBe(1);
  });

  it.each<[string, Parameters<typeof startSick>[0], (sick: Sick) => void]>([
    ['the vault', (vault) => vault.hang(true), ({ vault }) => vault.hang(false)],
    ['the token endpoint', (_, identity) => identity.hang(true), ({ identity }) => identity.hang(false)],
  ])('%s hangs: the reading is given up', async (_name, trouble, mend) => {
    const sick = await startSick(trouble);
    expect(await call(sick.chain)).toMatchObject(UNAVAILABLE);
    mend(sick);
    await recovered(sick.chain);
    expect(sick.chain.host.restarts).toBe(0);
  });

  it('the vault throttles: its Retry-After is the caller’s, and it is left alone meanwhile', async () => {
    const { chain, vault } = await startSick((busy) =>
      busy.throttle({ retryAfterSeconds: 47, times: Number.POSITIVE_INFINITY }),
    );
    expect(await call(chain)).toMatchObject({ ...UNAVAILABLE, retryAfter: '47' });
    const requests = vault.requests.length;
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(chain)));
    for (const answer of answers) expect(answer).toMatchObject({ ...UNAVAILABLE, retryAfter: '47' });
    expect(vault.requests).toHaveLength(requests);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('AWS refuses half a rotated pair, until the other half is found', async () => {
    const [key, next] = [newKey(), newKey()];
    const chain = await start({
      keys: [key, next],
      secrets: { [ID_SECRET]: next.accessKeyId, [KEY_SECRET]: key.secretAccessKey },
      settings: { ...TWO_SECRETS, CREDENTIALS_REFRESH_SECONDS: '1' },
    });
    expect(await call(chain)).toMatchObject(REFUSED);
    chain.vault.set(KEY_SECRET, next.secretAccessKey);
    for (;;) {
      const answer = await call(chain);
      if (answer.status === 200) break;
      expect(answer).toMatchObject(REFUSED);
    }
    expect(usedKeys(chain).at(-1)).toBe(next.accessKeyId);
  });
});

describe('trouble later: the keys at hand go on, and the log raises the alarm', () => {
  it.each<[string, (chain: Chain) => void]>([
    ['the vault resets connections', ({ vault }) => vault.outage(true)],
    ['the vault hangs', ({ vault }) => vault.hang(true)],
    ['the vault fails', ({ vault }) => vault.fail(503)],
    ['the vault throttles', ({ vault }) => vault.throttle({ retryAfterSeconds: 1, times: Number.POSITIVE_INFINITY })],
    ['the role is revoked', ({ vault }) => vault.revokeRole()],
    ['the secret is deleted', ({ vault }) => vault.remove(SECRET)],
    ['the secret is malformed', ({ vault }) => void vault.set(SECRET, '{"accessKeyId":"AKIAHALF","secretAccessKey":')],
    ['the secret is half of a pair', ({ vault }) => void vault.set(SECRET, '{"accessKeyId":"AKIAHALF"}')],
  ])('%s', async (_name, trouble) => {
    const chain = await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '1' } });
    await call(chain);
    trouble(chain);
    await callUntil(chain, () => alarms(chain).length > 0);
    expect(alarms(chain)).toMatchObject([{ event: 'bedrock.credentials', stale: true }]);
    expect(alarms(chain)[0]?.cause).not.toContain('AKIAHALF');
    expect(new Set(usedKeys(chain))).toStrictEqual(new Set([chain.key.accessKeyId]));
    // Half a minute passes before the next reading: no call asks for one.
    const requests = chain.vault.requests.length;
    await Promise.all(Array.from({ length: 20 }, () => call(chain)));
    expect(chain.vault.requests).toHaveLength(requests);
  });

  it('the token endpoint is down when the token for the vault has run out', async () => {
    const { chain, identity } = await startSick((_, young) => young.tokenLifetime(3));
    await recovered(chain);
    identity.outage(true);
    const end = Date.now() + 3000;
    await callUntil(chain, () => Date.now() > end);
    // Refused keys ask for a reading at once.
    chain.bedrock.setKeys([]);
    expect(await call(chain)).toMatchObject(REFUSED);
    expect(alarms(chain)).toMatchObject([{ stale: true }]);
    chain.bedrock.setKeys([chain.key]);
    expect(await call(chain)).toMatchObject({ status: 200 });
  });
});

describe('the vault is asked once', () => {
  it('by 200 callers at a cold start', async () => {
    // However long the 200 take to arrive, the reading is not given up meanwhile.
    const { chain, vault } = await startSick((hanging) => hanging.hang(true), { nodeArguments: DEADLINES_BY_HAND });
    const answers = Array.from({ length: 200 }, () => call(chain));
    await arrivals(chain, 200);
    expect(vault.requests).toHaveLength(1);
    vault.hang(false);
    expect((await Promise.all(answers)).filter(({ status }) => status !== 200)).toStrictEqual([]);
    expect(vault.reads(SECRET)).toBe(1);
    // The first request is the one without a token, which the vault answers with its challenge.
    expect(vault.requests).toHaveLength(2);
  });

  it('by 200 callers whose keys have grown old, and none of them waits', async () => {
    const chain = await start({ settings: { CREDENTIALS_REFRESH_SECONDS: '2' } });
    await call(chain);
    const { length } = chain.vault.requests;
    chain.vault.hang(true);
    await callUntil(chain, () => chain.vault.requests.length > length);
    const answers = await Promise.all(Array.from({ length: 200 }, () => call(chain)));
    expect(answers.filter(({ status }) => status !== 200)).toStrictEqual([]);
    expect(chain.vault.requests).toHaveLength(length + 1);
    chain.vault.hang(false);
  });

  it('by 200 callers whose keys AWS refuses for good', async () => {
    const chain = await start();
    await call(chain);
    chain.bedrock.setKeys([newKey()]);
    const answers = await Promise.all(Array.from({ length: 200 }, () => call(chain)));
    for (const answer of answers) expect(answer).toMatchObject(REFUSED);
    // Once in ten seconds, and the machine may take some tens of them.
    expect(chain.vault.reads(SECRET)).toBeGreaterThan(1);
    expect(chain.vault.reads(SECRET)).toBeLessThan(20);
    // No second attempt without other keys.
    expect(chain.bedrock.requests).toHaveLength(201);
  });
});

describe('no second attempt', () => {
  it('after a byte has gone to the caller, whatever breaks the answer', async () => {
    const chain = await start();
    const stream = controlled();
    chain.bedrock.answer(stream.responder);
    const answered = call(chain, converseStream);
    await stream.send(encodeEvent('messageStart', { role: 'assistant' }));
    await stream.destroy();
    const { status, body } = await answered;
    expect(status).toBe(200);
    expect(body).toContain('modelStreamErrorException');
    expect(chain.bedrock.requests).toHaveLength(1);
    expect(chain.vault.reads(SECRET)).toBe(1);
  });

  it('for a refusal of access: no reading either', async () => {
    const chain = await start();
    chain.bedrock.answer(fail(403, 'AccessDeniedException', 'You may not.'), { times: 20 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(chain)));
    for (const answer of answers) expect(answer).toMatchObject({ status: 403, errorType: 'AccessDeniedException' });
    expect(chain.vault.reads(SECRET)).toBe(1);
    expect(chain.bedrock.requests).toHaveLength(20);
  });

  it('more than one: when AWS refuses the other keys too', async () => {
    const chain = await start();
    await call(chain);
    const next = newKey();
    chain.vault.set(SECRET, JSON.stringify(next));
    chain.bedrock.setKeys([]);
    expect(await call(chain)).toMatchObject(REFUSED);
    expect(usedKeys(chain)).toStrictEqual([chain.key.accessKeyId, chain.key.accessKeyId, next.accessKeyId]);
  });
});

/** Waits until the gateway has received so many requests. */
async function arrivals({ gateway }: Chain, count: number): Promise<void> {
  while (gateway.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
}
