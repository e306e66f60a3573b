import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { credentialsByCaller, type RoleOptions } from '../../../src/credentials/by-caller.ts';
import type { SharedCredentials } from '../../../src/credentials/provider.ts';
import type { MakeSession } from '../../../src/credentials/session-source.ts';
import { manualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;
const HOURS = 12;
const HOME = 'arn:aws:iam::111122223333:role/home';
const TEAMS = Array.from({ length: 200 }, (_, index) => `team-${index}`);
const ROLE: RoleOptions = {
  roleArn: HOME,
  partition: 'aws',
  durationSeconds: 3600,
  sessionName: '{subscriptionId}',
  sessionTags: '',
};

/** A proxy without keys, and how often STS was asked for each session, by its name. */
function keyless(role: RoleOptions, random: () => number) {
  const clock = manualClock();
  const asked = new Map<string, number>();
  let issued = 0;
  let isSilent = false;
  const make: MakeSession = async ({ name }) => {
    asked.set(name, (asked.get(name) ?? 0) + 1);
    if (isSilent) return new Promise(() => {});
    issued += 1;
    return { accessKeyId: `ASIA${issued}`, secretAccessKey: 's', sessionToken: 't' };
  };
  const assumeBy =
    (home: SharedCredentials) =>
    async (...[request, signal]: Parameters<MakeSession>) => {
      await home.get();
      return make(request, signal);
    };
  const provider = credentialsByCaller({ home: HOME, byToken: make, assumeBy }, role, {
    onFailure: () => {},
    clock,
    random,
  });
  return { asked, clock, provider, silence: (value: boolean) => void (isSilent = value) };
}

describe('STS is asked once for a session and its hour', () => {
  it.each<[string, RoleOptions]>([
    ['by the token', ROLE],
    ['with tags, by the session of the token', { ...ROLE, sessionTags: 'team={subscriptionId}' }],
  ])('in twelve hours of 200 teams that call every other minute: %s', async (_name, role) => {
    let drawn = 0;
    // Every value from 0 to 1 alike.
    const { asked, clock, provider } = keyless(role, () => (drawn++ * 0.618_033_988_749_895) % 1);
    for (let minute = 0; minute < HOURS * 60; minute += 2) {
      await Promise.all(TEAMS.map((subscriptionId) => provider.get({ subscriptionId })));
      await clock.pass(2 * MINUTE);
    }
    const names = role.sessionTags === '' ? TEAMS : [...TEAMS, 'bedrock-proxy'];
    expect([...asked.keys()].toSorted()).toStrictEqual(names.toSorted());
    const counts = [...asked.values()];
    // A session is renewed by the first call after between 48 and 54 minutes of it.
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(HOURS);
    expect(Math.max(...counts)).toBeLessThanOrEqual((HOURS * 60) / 48);
  });

  it('and not at all for a team that does not call', async () => {
    const { asked, clock, provider } = keyless(ROLE, () => 0);
    await provider.get({ subscriptionId: 'team-0' });
    await clock.pass(HOURS * 60 * MINUTE);
    expect(Object.fromEntries(asked)).toStrictEqual({ 'team-0': 1 });
  });

  it('those of one moment are not all renewed at one moment', async () => {
    let drawn = 0;
    const { asked, clock, provider } = keyless(ROLE, () => (drawn++ * 0.618_033_988_749_895) % 1);
    const total = () => [...asked.values()].reduce((sum, count) => sum + count, 0);
    let most = 0;
    for (let second = 0; second < 3600; second += 5) {
      const before = total();
      await Promise.all(TEAMS.map((subscriptionId) => provider.get({ subscriptionId })));
      if (second > 0) most = Math.max(most, total() - before);
      await clock.pass(5000);
    }
    expect(total()).toBe(2 * TEAMS.length);
    // 200 within six minutes.
    expect(most).toBeLessThanOrEqual(4);
  });
});

it('five minutes of a silent STS at any time are noticed by no team that calls', async () => {
  for (let start = 0; start <= 60; start += 3) {
    const { clock, provider, silence } = keyless(ROLE, () => 1);
    const callEach = async (stepMs: number, count: number) => {
      for (let call = 0; call < count; call += 1) {
        const got = provider.get({ subscriptionId: 'team-0' }).then(() => 'had');
        expect(await Promise.race([got, turn().then(() => 'waits')]), `${start} min: call ${call}`).toBe('had');
        await clock.pass(stepMs);
      }
    };
    await callEach(10_000, 6 * start);
    silence(start > 0);
    await callEach(1000, 300);
    silence(false);
    await callEach(1000, 120);
  }
});
