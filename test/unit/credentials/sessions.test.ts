import { setImmediate as turn } from 'node:timers/promises';

import { beforeEach, describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { createSessions, type FailedSession, type Sessions } from '../../../src/credentials/sessions.ts';
import type { SessionRequest } from '../../../src/credentials/sts.ts';
import { ProxyError } from '../../../src/errors.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;
const ROLE = 'arn:aws:iam::111122223333:role/bedrock';

interface Making {
  readonly request: SessionRequest;
  readonly signal: AbortSignal;
  readonly settle: PromiseWithResolvers<AwsCredentials>;
}

let clock: ManualClock;
/** Sessions asked of STS, the oldest first. */
let making: Making[];
let failures: FailedSession[];
let random: number;
let sessions: Sessions;

beforeEach(() => {
  [clock, making, failures, random] = [manualClock(), [], [], 0];
  sessions = createSessions({
    make: (request, signal) => {
      const settle = Promise.withResolvers<AwsCredentials>();
      making.push({ request, signal, settle });
      return settle.promise;
    },
    onFailure: (failure) => failures.push(failure),
    clock,
    random: () => random,
  });
});

function team(name: string, over: Partial<SessionRequest> = {}): SessionRequest {
  return { roleArn: ROLE, name, tags: {}, durationSeconds: 3600, ...over };
}

let issued = 0;
/** STS answers the call begun last. */
async function issue(): Promise<AwsCredentials> {
  issued += 1;
  const credentials = { accessKeyId: `ASIA${issued}`, secretAccessKey: 's', sessionToken: 't' };
  making.at(-1)?.settle.resolve(credentials);
  await turn();
  return credentials;
}

async function refuse(error: unknown = new Error('refused')): Promise<void> {
  making.at(-1)?.settle.reject(error);
  await turn();
}

async function failureOf(got: Promise<unknown>): Promise<ProxyError> {
  const error = await got.catch((thrown: unknown) => thrown);
  if (!(error instanceof ProxyError)) throw new Error('No refusal.');
  return error;
}

/** A session that is at hand. */
async function made(request: SessionRequest): Promise<AwsCredentials> {
  const got = sessions.get(request);
  await turn();
  const credentials = await issue();
  expect(await got).toBe(credentials);
  return credentials;
}

describe('a session', () => {
  it('is made once for all who ask, when they ask', async () => {
    expect(making).toHaveLength(0);
    const got = Array.from({ length: 200 }, () => sessions.get(team('a')));
    await turn();
    expect(making).toHaveLength(1);
    const credentials = await issue();
    expect(new Set(await Promise.all(got))).toStrictEqual(new Set([credentials]));
  });

  it.each<[string, SessionRequest]>([
    ['name', team('b')],
    ['role', team('a', { roleArn: `${ROLE}-2` })],
    ['tags', team('a', { tags: { team: 'x' } })],
    ['value of a tag', team('a', { tags: { team: 'y' } })],
  ])('is another one for another %s', async (_name, other) => {
    const one = await made(team('a'));
    const another = await made(other);
    expect(another).not.toBe(one);
    expect(await sessions.get(team('a'))).toBe(one);
    expect(await sessions.get({ ...other, tags: { ...other.tags } })).toBe(another);
    expect(making).toHaveLength(2);
  });

  it.each([
    [0, 0.8],
    [1, 0.9],
  ])('is renewed in the background, for random %d at %d of its life, and nobody waits', async (value, part) => {
    random = value;
    const old = await made(team('a'));
    const at = part * 3_595_000;
    await clock.pass(at - 1);
    await sessions.get(team('a'));
    expect(making).toHaveLength(1);
    await clock.pass(1);
    expect(await Promise.all(Array.from({ length: 50 }, () => sessions.get(team('a'))))).toStrictEqual(
      Array.from({ length: 50 }, () => old),
    );
    expect(making).toHaveLength(2);
    const renewed = await issue();
    expect(await sessions.get(team('a'))).toBe(renewed);
  });

  it('is not used beyond its end', async () => {
    await made(team('a'));
    await clock.pass(60 * MINUTE);
    const next = await made(team('a'));
    expect(await sessions.get(team('a'))).toBe(next);
    expect(making).toHaveLength(2);
  });

  it('goes on to its end when it cannot be renewed, and the pauses grow', async () => {
    const old = await made(team('a'));
    await clock.pass(48 * MINUTE);
    const attempts: number[] = [];
    for (let second = 0; second < 11 * 60; second += 1) {
      const before = making.length;
      expect(await sessions.get(team('a'))).toBe(old);
      if (making.length > before) {
        attempts.push(second);
        await refuse();
      }
      await clock.pass(1000);
    }
    const pauses = attempts.slice(1).map((second, index) => second - (attempts[index] ?? 0));
    expect(pauses).toStrictEqual([5, 10, 20, 40, 80, 120, 120, 120, 120]);
    expect(failures.every(({ stale }) => stale)).toBe(true);
  });
});

describe('STS gives none', () => {
  it('all who wait are refused, with the time to come again; it is told once', async () => {
    const got = Promise.all([failureOf(sessions.get(team('a'))), failureOf(sessions.get(team('a')))]);
    await turn();
    const cause = new Error('no');
    await refuse(cause);
    for (const error of await got) {
      expect(error).toMatchObject({
        failure: 'unavailable',
        message: 'AWS gives this proxy no session of the role.',
        retryAfterSeconds: 1,
        cause,
      });
    }
    expect(failures).toStrictEqual([{ error: cause, stale: false, request: team('a') }]);
  });

  it('the pauses grow; nobody waits for STS meanwhile', async () => {
    const pauses = [1, 2, 4, 8, 16, 30, 30];
    for (const [index, pause] of pauses.entries()) {
      const got = failureOf(sessions.get(team('a')));
      await turn();
      expect(making).toHaveLength(index + 1);
      await refuse();
      expect((await got).retryAfterSeconds).toBe(pause);
      await clock.pass(1000 * pause - 1);
      await failureOf(sessions.get(team('a')));
      expect(making).toHaveLength(index + 1);
      await clock.pass(1);
    }
  });

  it('silent: given up after five seconds', async () => {
    const got = failureOf(sessions.get(team('a')));
    await clock.pass(4999);
    expect(making[0]?.signal.aborted).toBe(false);
    await clock.pass(1);
    expect(await got).toMatchObject({ cause: { name: 'TimeoutError' }, retryAfterSeconds: 1 });
    expect(making[0]?.signal.aborted).toBe(true);
  });

  it('to one team: the others notice nothing', async () => {
    const theirs = await made(team('b'));
    const got = failureOf(sessions.get(team('a')));
    await turn();
    await refuse();
    await got;
    expect(await sessions.get(team('b'))).toBe(theirs);
    await made(team('c'));
    await failureOf(sessions.get(team('a')));
    expect(failures).toHaveLength(1);
  });

  it('because the keys that ask are not there: that is told by whoever reads them', async () => {
    const base = new ProxyError('unavailable', 'The AWS credentials could not be read.', { retryAfterSeconds: 7 });
    const got = failureOf(sessions.get(team('a')));
    await turn();
    await refuse(base);
    expect(await got).toBe(base);
    expect(failures).toStrictEqual([]);
  });
});

describe('a session that AWS refuses', () => {
  it('is made anew, once for all who ask, and no other one is', async () => {
    const theirs = await made(team('b'));
    const old = await made(team('a'));
    const got = Array.from({ length: 50 }, () => sessions.replace(old, team('a')));
    await turn();
    expect(making).toHaveLength(3);
    const next = await issue();
    expect(new Set(await Promise.all(got))).toStrictEqual(new Set([next]));
    expect(await sessions.get(team('a'))).toBe(next);
    expect(await sessions.get(team('b'))).toBe(theirs);
  });

  it('again at once: there is none in its place, and STS has its rest', async () => {
    const old = await made(team('a'));
    const got = sessions.replace(old, team('a'));
    await turn();
    const next = await issue();
    expect(await got).toBe(next);
    expect(await sessions.replace(next, team('a'))).toBeUndefined();
    await clock.pass(9999);
    expect(await sessions.replace(next, team('a'))).toBeUndefined();
    expect(making).toHaveLength(2);
    await clock.pass(1);
    void sessions.replace(next, team('a'));
    await turn();
    expect(making).toHaveLength(3);
  });

  it('and cannot be made anew', async () => {
    const old = await made(team('a'));
    const got = sessions.replace(old, team('a'));
    await turn();
    await refuse();
    expect(await got).toBeUndefined();
  });
});

it('a thousand sessions are kept, and of more those that were asked for last', async () => {
  await made(team('first'));
  await made(team('second'));
  for (let count = 0; count < 998; count += 1) await made(team(`team-${count}`));
  await sessions.get(team('first'));
  await made(team('one-more'));
  const before = making.length;
  await sessions.get(team('first'));
  expect(making).toHaveLength(before);
  void sessions.get(team('second'));
  await turn();
  expect(making).toHaveLength(before + 1);
});
