import { createHash } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { createTargets, type Targets } from '../../../src/aws/target.ts';
import { createAwsTime } from '../../../src/aws/time.ts';
import { systemClock } from '../../../src/clock.ts';
import type { UpstreamAnswer } from '../../../src/aws/upstream.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { CredentialsProvider } from '../../../src/credentials/provider.ts';
import { createHealth, type Health } from '../../../src/proxy/health.ts';
import { type Outgoing, send } from '../../../src/proxy/send.ts';
import { type BedrockEmulator, EXAMPLE_KEY, startBedrock } from '../../emulators/bedrock/bedrock.ts';
import { fail } from '../../emulators/bedrock/faults.ts';

const MINUTE = 60_000;
const KEYS: AwsCredentials = EXAMPLE_KEY;
const OTHERS: AwsCredentials = { accessKeyId: 'AKIAOTHERKEY', secretAccessKey: 'other' };
const BODY = Buffer.from('{"messages":[]}');

const REQUEST: Outgoing = {
  method: 'POST',
  path: '/model/amazon.nova-lite-v1%3A0/converse',
  query: '',
  headers: { 'content-type': 'application/json' },
  unsigned: {},
  caller: {},
  body: {
    sha256: createHash('sha256').update(BODY).digest('hex'),
    chunks: [BODY],
    length: BODY.length,
    received: BODY.length,
    readWhole: (read) => read(BODY),
    release: () => {},
  },
};

/** How far AWS's clock is from this machine's. */
let skewMs: number;
let bedrock: BedrockEmulator;
let targets: Targets;
let health: Health;
/** Keys that the provider gives next, and those it has in their place. */
let keys: AwsCredentials;
let others: AwsCredentials | undefined;
let refused: AwsCredentials[];
let offsets: number[];
let recorded: string[];
let sendNow: () => Promise<UpstreamAnswer>;

beforeEach(async () => {
  [skewMs, keys, others, refused, offsets, recorded] = [0, KEYS, undefined, [], [], []];
  bedrock = await startBedrock({ clock: () => new Date(Date.now() + skewMs) });
  const credentials: CredentialsProvider = {
    get: async () => keys,
    probe: async () => keys,
    replace: async (old) => {
      refused.push(old);
      return others;
    },
  };
  health = createHealth(credentials);
  const awsTime = createAwsTime((offsetMs) => offsets.push(Math.round(offsetMs / MINUTE)));
  targets = createTargets({
    regions: [bedrock.region],
    endpoints: { useFips: false, overrides: { [RUNTIME.hostPrefix]: bedrock.url } },
    limits: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
    now: awsTime.now,
  });
  const target = targets.of(RUNTIME, bedrock.region);
  const record = {
    attempt: () => recorded.push('attempt'),
    answered: ({ status }: UpstreamAnswer) => recorded.push(String(status)),
    credentialsRefreshed: () => recorded.push('refreshed'),
  };
  sendNow = () =>
    send(REQUEST, target, { credentials, awsTime, clock: systemClock, health }, new AbortController().signal, record);
});

afterEach(async () => {
  await targets.close();
  await bedrock.close();
});

async function sendRead(): Promise<number> {
  const answer = await sendNow();
  while ((await answer.read()) !== undefined);
  return answer.status;
}

const healthy = async () => (await health.reply({}, new AbortController().signal)).status;

const BAD_KEYS = {
  failure: 'unavailable',
  message: 'AWS does not accept the credentials of this proxy.',
  cause: {
    name: 'SignatureRefused',
    code: 'UnrecognizedClientException',
    requestId: expect.stringMatching(/^[\w-]+$/),
  },
};
const BAD_TIME = { failure: 'unavailable', message: 'AWS does not accept the time at which this proxy signs.' };

describe('a clock that is off', () => {
  it.each([10, -10, 60 * 24 * 3])(
    'by %d minutes: one more request the first time, none later, no other keys',
    async (minutes) => {
      skewMs = minutes * MINUTE;
      expect(await sendRead()).toBe(200);
      expect(bedrock.requests.map(({ verified }) => verified)).toStrictEqual([false, true]);
      expect(await sendRead()).toBe(200);
      expect(bedrock.requests).toHaveLength(3);
      expect(offsets).toStrictEqual([minutes]);
      expect(refused).toStrictEqual([]);
      expect(recorded).toStrictEqual(['attempt', '403', 'attempt', '200', 'attempt', '200']);
      expect(await healthy()).toBe(200);
    },
  );

  it('and right again later', async () => {
    skewMs = 10 * MINUTE;
    await sendRead();
    skewMs = 0;
    expect(await sendRead()).toBe(200);
    expect(await sendRead()).toBe(200);
    expect(bedrock.requests.map(({ verified }) => verified)).toStrictEqual([false, true, false, true, true]);
    expect(offsets).toStrictEqual([10, 0]);
  });

  it('for 50 calls at once: told once', async () => {
    skewMs = -20 * MINUTE;
    expect(new Set(await Promise.all(Array.from({ length: 50 }, sendRead)))).toStrictEqual(new Set([200]));
    expect(offsets).toStrictEqual([-20]);
    expect(refused).toStrictEqual([]);
  });

  it('while the keys have been replaced: both are mended', async () => {
    skewMs = 10 * MINUTE;
    others = KEYS;
    keys = OTHERS;
    bedrock.setKeys([OTHERS]);
    bedrock.onRequest(({ verified }) => {
      if (verified) bedrock.setKeys([KEYS]);
    });
    await sendRead();
    skewMs = 0;
    expect(await sendRead()).toBe(200);
    expect(recorded).toStrictEqual([
      'attempt',
      '403',
      'attempt',
      '200',
      'attempt',
      '403',
      'refreshed',
      'attempt',
      '403',
      'attempt',
      '200',
    ]);
  });

  it('of which AWS’s answer does not tell the time: the proxy’s own failure, the vault is not asked', async () => {
    const message = 'Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z';
    bedrock.answer(fail(403, 'InvalidSignatureException', message, { date: 'now' }));
    await expect(sendNow()).rejects.toMatchObject({
      ...BAD_TIME,
      cause: { name: 'SignatureRefused', code: 'InvalidSignatureException', message },
    });
    expect(bedrock.requests).toHaveLength(1);
    expect(refused).toStrictEqual([]);
    await expect(healthy()).rejects.toMatchObject(BAD_TIME);
    expect(await sendRead()).toBe(200);
    expect(await healthy()).toBe(200);
  });

  it('refused at AWS’s own time too: signed twice, no more', async () => {
    bedrock.answer(fail(400, 'RequestExpired', 'Too old.'), { times: 2 });
    await expect(sendNow()).rejects.toMatchObject(BAD_TIME);
    expect(bedrock.requests).toHaveLength(2);
    expect(refused).toStrictEqual([]);
  });
});

describe('keys that AWS refuses', () => {
  it('have others', async () => {
    keys = OTHERS;
    others = KEYS;
    expect(await sendRead()).toBe(200);
    expect(recorded).toStrictEqual(['attempt', '403', 'refreshed', 'attempt', '200']);
    expect(await healthy()).toBe(200);
  });

  it('have no others: the proxy’s own failure, and health tells it until a call has passed', async () => {
    bedrock.setKeys([]);
    await expect(sendNow()).rejects.toMatchObject(BAD_KEYS);
    expect(bedrock.requests).toHaveLength(1);
    await expect(healthy()).rejects.toMatchObject(BAD_KEYS);
    bedrock.setKeys([KEYS]);
    await expect(healthy()).rejects.toMatchObject(BAD_KEYS);
    expect(await sendRead()).toBe(200);
    expect(await healthy()).toBe(200);
  });

  it('have others that AWS refuses as well: asked once, and health knows both', async () => {
    others = OTHERS;
    bedrock.setKeys([]);
    await expect(sendNow()).rejects.toMatchObject(BAD_KEYS);
    expect(bedrock.requests.map(({ accessKeyId }) => accessKeyId)).toStrictEqual([
      KEYS.accessKeyId,
      OTHERS.accessKeyId,
    ]);
    expect(refused).toStrictEqual([KEYS]);
    await expect(healthy()).rejects.toMatchObject(BAD_KEYS);
    keys = OTHERS;
    await expect(healthy()).rejects.toMatchObject(BAD_KEYS);
    // Keys that nobody has tried yet.
    keys = { accessKeyId: 'AKIANEWKEY', secretAccessKey: 'new' };
    expect(await healthy()).toBe(200);
  });

  it('for what they may not do: Bedrock’s own answer', async () => {
    bedrock.answer(fail(403, 'AccessDeniedException', 'You may not.'));
    expect(await sendRead()).toBe(403);
    expect(refused).toStrictEqual([]);
    expect(await healthy()).toBe(200);
  });

  it('leave the connection to the next call', async () => {
    bedrock.setKeys([]);
    for (let call = 0; call < 5; call += 1) await expect(sendNow()).rejects.toMatchObject(BAD_KEYS);
    // The next request may come before the connection is known to be free.
    expect(bedrock.openConnections).toBeLessThan(3);
  });
});
