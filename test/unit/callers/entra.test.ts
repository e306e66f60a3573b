import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { VerifyToken } from '../../../src/callers/admission.ts';
import { createEntraVerifier, type EntraDependencies } from '../../../src/callers/entra.ts';
import { refreshing } from '../../../src/refreshing.ts';
import { type Entra, startEntra } from '../../emulators/azure/entra.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { waitUntil } from '../../support/wait-until.ts';

let entra: Entra;
let verify: VerifyToken;
let clock: ManualClock;

beforeEach(async () => {
  clock = manualClock();
  entra = await startEntra();
  verify = verifierFor(entra);
});

afterEach(() => entra.close());

/** Keeps the keys by the clock of the test. */
const keep: EntraDependencies['keep'] = (options) => refreshing({ ...options, clock });

function verifierFor({ tenantId, authority, appClientId }: Entra, more: Partial<EntraDependencies> = {}): VerifyToken {
  const options = { tenantId, authority, audiences: [appClientId, `api://${appClientId}`] };
  return createEntraVerifier(options, { keep, ...more });
}

const MINUTE = 60_000;

describe('good tokens', () => {
  it.each([1, 2] as const)('version %i', async (version) => {
    const token = await entra.issueToken({}, { version });
    expect(await verify(token)).toStrictEqual({ callerId: entra.callerObjectId });
  });

  it('by any key of the tenant', async () => {
    const ids = entra.keyIds();
    expect(ids.length).toBeGreaterThan(1);
    for (const keyId of ids) {
      expect(await verify(await entra.issueToken({}, { keyId }))).toHaveProperty('callerId');
    }
  });

  it('within the tolerance for clocks', async () => {
    for (const options of [{ expiresInSeconds: -50 }, { notBeforeInSeconds: 50 }]) {
      expect(await verify(await entra.issueToken({}, options))).toHaveProperty('callerId');
    }
  });

  it('read the keys once', async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => entra.issueToken()));
    await Promise.all(tokens.map((token) => verify(token)));
    expect(entra.requests).toHaveLength(1);
  });
});

describe('bad tokens', () => {
  it.each<[string, () => Promise<string>]>([
    ['alg none', () => entra.forge.unsigned()],
    ['HS256 with the public key', () => entra.forge.hmacWithPublicKey()],
    ['a foreign key under a published id', () => entra.forge.foreignKey()],
    ['a foreign key under its own id', () => entra.forge.unknownKey()],
    ['another algorithm of the right key', () => entra.issueToken({}, { algorithm: 'RS512' })],
    ['PS256 of the right key', () => entra.issueToken({}, { algorithm: 'PS256' })],
    ['another issuer', () => entra.issueToken({ iss: 'https://login.microsoftonline.com/common/v2.0' })],
    ['the issuer without its version', () => entra.issueToken({ iss: `${entra.authority}/${entra.tenantId}` })],
    ['no issuer', () => entra.issueToken({ iss: undefined })],
    [
      'the v1 issuer of another tenant',
      () => entra.issueToken({ iss: 'https://sts.windows.net/other/' }, { version: 1 }),
    ],
    ['another audience', () => entra.issueToken({ aud: 'https://management.azure.com' })],
    ['the audience in another case', () => entra.issueToken({ aud: entra.appClientId.toUpperCase() })],
    ['no audience', () => entra.issueToken({ aud: undefined })],
    ['another tenant', () => entra.issueToken({ tid: '72f988bf-86f1-41af-91ab-2d7cd011db47' })],
    ['no tenant', () => entra.issueToken({ tid: undefined })],
    ['expired', () => entra.issueToken({}, { expiresInSeconds: -120 })],
    ['no expiry', () => entra.issueToken({ exp: undefined })],
    ['an expiry that is no number', () => entra.issueToken({ exp: 'never' })],
    ['not valid yet', () => entra.issueToken({}, { notBeforeInSeconds: 120 })],
    ['no object id', () => entra.issueToken({ oid: undefined })],
    ['an object id that is no text', () => entra.issueToken({ oid: ['x'] })],
    ['an altered payload', async () => withPayload(await entra.issueToken(), { oid: 'someone-else' })],
    ['an altered signature', async () => `${(await entra.issueToken()).slice(0, -8)}AAAAAAAA`],
    ['no signature', async () => (await entra.issueToken()).replace(/[^.]+$/, '')],
    ['not a token', async () => 'nonsense'],
    ['dots', async () => '..'],
    ['an encrypted token', async () => 'eyJhbGciOiJkaXIifQ.a.b.c.d'],
    ['no JSON', async () => 'e30K.e30K.e30K'],
  ])('%s', async (_name, make) => {
    expect(await verify(await make())).toStrictEqual({ invalid: expect.stringMatching(/./) });
  });

  it('are not quoted', async () => {
    const [, payload = '', signature = ''] = (await entra.issueToken()).split('.');
    const header = Buffer.from('{"alg":"RS256","crit":["jane.doe@contoso.com"],"jane.doe@contoso.com":1}');
    const token = [header.toString('base64url'), payload, signature].join('.');
    expect(await verify(token)).toStrictEqual({ invalid: 'ERR_JOSE_NOT_SUPPORTED' });
  });

  it('are no longer good when they have expired since', async () => {
    const token = await entra.issueToken();
    let now = Date.now();
    const held = verifierFor(entra, { date: () => new Date(now) });
    expect(await held(token)).toHaveProperty('callerId');
    now += 2 * 3_600_000;
    expect(await held(token)).toHaveProperty('invalid');
  });

  it('the v1 issuer is not that of a sovereign cloud', async () => {
    const token = await entra.issueToken({}, { version: 1 });
    const sovereign = createEntraVerifier(
      {
        tenantId: entra.tenantId,
        authority: 'https://login.microsoftonline.us',
        audiences: [`api://${entra.appClientId}`],
      },
      {
        keep,
        fetch: (url, init) => fetch(String(url).replace('https://login.microsoftonline.us', entra.authority), init),
      },
    );
    expect(await sovereign(token)).toHaveProperty('invalid');
  });

  function withPayload(token: string, claims: Record<string, unknown>): string {
    const [header = '', payload = '', signature = ''] = token.split('.');
    const altered = { ...JSON.parse(Buffer.from(payload, 'base64url').toString()), ...claims };
    return [header, Buffer.from(JSON.stringify(altered)).toString('base64url'), signature].join('.');
  }
});

describe('a token that was valid', () => {
  it('is not verified again, until the keys are read anew', async () => {
    const verifications = vi.spyOn(crypto.subtle, 'verify');
    const token = await entra.issueToken();
    for (let call = 0; call < 5; call += 1) expect(await verify(token)).toHaveProperty('callerId');
    expect(verifications).toHaveBeenCalledTimes(1);
    await clock.pass(61 * MINUTE);
    await verify(token);
    await waitUntil(() => entra.requests.length === 2);
    await waitUntil(async () => {
      await verify(token);
      return verifications.mock.calls.length === 2;
    });
    verifications.mockRestore();
  });

  it('makes no other one valid, however alike', async () => {
    const token = await entra.issueToken();
    expect(await verify(token)).toHaveProperty('callerId');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const other = payload.slice(0, -1) + (payload.endsWith('Q') ? 'R' : 'Q');
    for (const alike of [`${token}A`, token.slice(0, -1), `${header}.${other}.${signature}`, ` ${token}`]) {
      expect(await verify(alike)).toHaveProperty('invalid');
    }
  });

  it('names its own caller, beside hundreds of others', async () => {
    const ids = Array.from({ length: 150 }, (_, index) => `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`);
    const tokens = await Promise.all(ids.map(async (oid) => [oid, await entra.issueToken({ oid })] as const));
    for (let round = 0; round < 2; round += 1) {
      for (const [callerId, token] of tokens) expect(await verify(token)).toStrictEqual({ callerId });
    }
  });
});

describe('keys that change', () => {
  it('a new one is read when a token names it', async () => {
    await verify(await entra.issueToken());
    await entra.rotateKeys();
    const token = await entra.issueToken();
    await clock.pass(MINUTE);
    expect(await verify(token)).toHaveProperty('callerId');
    expect(entra.requests).toHaveLength(2);
  });

  it('made-up ids cause one reading a minute at most', async () => {
    await verify(await entra.issueToken());
    await clock.pass(MINUTE);
    const forged = await entra.forge.unknownKey();
    for (let count = 0; count < 5; count += 1) expect(await verify(forged)).toHaveProperty('invalid');
    expect(entra.requests).toHaveLength(2);
    await clock.pass(MINUTE);
    await verify(forged);
    expect(entra.requests).toHaveLength(3);
  });

  it('made-up ids at the same time cause one reading', async () => {
    await verify(await entra.issueToken());
    await clock.pass(MINUTE);
    const forged = await entra.forge.unknownKey();
    await Promise.all(Array.from({ length: 20 }, () => verify(forged)));
    expect(entra.requests).toHaveLength(2);
  });

  it('are read again in the background after an hour', async () => {
    const token = await entra.issueToken();
    await verify(token);
    await clock.pass(60 * MINUTE + 1);
    const arrival = entra.nextRequest();
    expect(await verify(token)).toHaveProperty('callerId');
    await arrival;
    expect(entra.requests).toHaveLength(2);
  });
});

describe('an outage of the key endpoint', () => {
  it('is not noticed once the keys are known', async () => {
    await verify(await entra.issueToken());
    entra.outage(true);
    for (let hour = 0; hour < 48; hour += 1) {
      await clock.pass(60 * MINUTE + 1);
      expect(await verify(await entra.issueToken())).toHaveProperty('callerId');
    }
  });

  it('an unknown id stays invalid', async () => {
    await verify(await entra.issueToken());
    entra.outage(true);
    await clock.pass(MINUTE);
    expect(await verify(await entra.forge.unknownKey())).toHaveProperty('invalid');
  });

  it.each<[string, () => void]>([
    ['connections reset', () => entra.outage(true)],
    ['500', () => entra.fail(500)],
    ['404', () => entra.fail(404)],
    ['200 without keys', () => entra.fail(200)],
  ])('at the start rejects, and recovers: %s', async (_name, begin) => {
    begin();
    const token = await entra.issueToken();
    await expect(verify(token)).rejects.toBeInstanceOf(Error);
    await expect(verify(token)).rejects.toThrow('failed a moment ago');
    expect(entra.requests.length).toBeLessThanOrEqual(1);
    entra.outage(false);
    entra.fail(200, 0);
    await clock.pass(2000);
    expect(await verify(token)).toHaveProperty('callerId');
  });

  it('an endpoint that hangs is given up', async () => {
    entra.hang(true);
    const token = await entra.issueToken();
    const arrival = entra.nextRequest();
    const verified = verify(token).catch((error: unknown) => error);
    await arrival;
    await clock.pass(5000);
    expect(await verified).toMatchObject({ name: 'TimeoutError' });
  });
});
