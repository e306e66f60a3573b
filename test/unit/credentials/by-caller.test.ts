import { describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { credentialsByCaller, type RoleOptions, type SessionBase } from '../../../src/credentials/by-caller.ts';
import type { SharedCredentials, SignedFor } from '../../../src/credentials/provider.ts';
import type { SessionRequest } from '../../../src/credentials/sts.ts';
import { ProxyError } from '../../../src/errors.ts';

const HOME = 'arn:aws:iam::111122223333:role/home';
const AWAY = 'arn:aws:iam::444455556666:role/away';
const KEYS: AwsCredentials = { accessKeyId: 'AKIA', secretAccessKey: 'k' };
const PLAIN: RoleOptions = { partition: 'aws', durationSeconds: 43_200, sessionName: 'proxy', sessionTags: '' };
const BY_TEAM = { ...PLAIN, sessionName: '{subscriptionId}' };

/** What STS was asked for: by whom, and which session. */
interface Asked {
  readonly by: string;
  readonly request: SessionRequest;
}

function world(role: RoleOptions, kind: 'keys' | 'token', broken: { base?: boolean; sts?: boolean } = {}) {
  const asked: Asked[] = [];
  const session = (by: string, request: SessionRequest): AwsCredentials => {
    if (broken.sts === true) throw new Error('no');
    asked.push({ by, request });
    return { accessKeyId: `ASIA ${request.roleArn} ${request.name}`, secretAccessKey: 's' };
  };
  const keys: SharedCredentials = {
    async get() {
      if (broken.base === true) throw new ProxyError('unavailable', 'no keys');
      return KEYS;
    },
    replace: async () => undefined,
  };
  const by = (shared: SharedCredentials) => async (request: SessionRequest) =>
    session((await shared.get()).accessKeyId, request);
  const base: SessionBase =
    kind === 'keys'
      ? { keys, assume: by(keys) }
      : { home: HOME, byToken: async (request) => session('token', request), assumeBy: by };
  return { asked, provider: credentialsByCaller(base, role, { onFailure: () => {} }) };
}

const HOME_SESSION = {
  by: 'token',
  request: { roleArn: HOME, name: 'bedrock-proxy', tags: {}, durationSeconds: 43_200 },
};

describe('who signs', () => {
  it.each<[string, 'keys' | 'token', RoleOptions, SignedFor, Asked[]]>([
    ['the keys, without a role', 'keys', PLAIN, {}, []],
    ['the keys, whatever the session would be called', 'keys', BY_TEAM, {}, []],
    [
      'a session of the role, by keys',
      'keys',
      { ...PLAIN, roleArn: HOME, externalId: 'ex' },
      {},
      [{ by: 'AKIA', request: { roleArn: HOME, name: 'proxy', tags: {}, durationSeconds: 43_200, externalId: 'ex' } }],
    ],
    [
      'a session of the ordered role, by keys, without another',
      'keys',
      BY_TEAM,
      { subscriptionId: 'team-a', roleArn: AWAY },
      [{ by: 'AKIA', request: { roleArn: AWAY, name: 'team-a', tags: {}, durationSeconds: 43_200 } }],
    ],
    [
      'a session of the ordered role, in the place of the setting’s',
      'keys',
      { ...PLAIN, roleArn: HOME },
      { roleArn: AWAY },
      [{ by: 'AKIA', request: { roleArn: AWAY, name: 'proxy', tags: {}, durationSeconds: 43_200 } }],
    ],
    [
      'a session of a team, by token: no chain, as long as the role allows',
      'token',
      { ...BY_TEAM, roleArn: HOME },
      { subscriptionId: 'team-a' },
      [{ by: 'token', request: { roleArn: HOME, name: 'team-a', tags: {}, durationSeconds: 43_200 } }],
    ],
    [
      'a session with tags, by the session of the token: an hour at most',
      'token',
      { ...BY_TEAM, roleArn: HOME, sessionTags: 'team={subscriptionId},product={productId}' },
      { subscriptionId: 'team-a', productId: 'p' },
      [
        HOME_SESSION,
        {
          by: `ASIA ${HOME} bedrock-proxy`,
          request: { roleArn: HOME, name: 'team-a', tags: { team: 'team-a', product: 'p' }, durationSeconds: 3600 },
        },
      ],
    ],
    [
      'a session of another account, by the session of the token',
      'token',
      { ...BY_TEAM, roleArn: HOME, externalId: 'ex' },
      { subscriptionId: 'team-a', roleArn: AWAY },
      [
        HOME_SESSION,
        {
          by: `ASIA ${HOME} bedrock-proxy`,
          request: { roleArn: AWAY, name: 'team-a', tags: {}, durationSeconds: 3600, externalId: 'ex' },
        },
      ],
    ],
  ])('%s', async (_name, kind, role, caller, expected) => {
    const { asked, provider } = world(role, kind);
    const credentials = await provider.get(caller);
    expect(asked).toStrictEqual(expected);
    const { request } = expected.at(-1) ?? {};
    expect(credentials.accessKeyId).toBe(request === undefined ? 'AKIA' : `ASIA ${request.roleArn} ${request.name}`);
    expect(await provider.get(caller)).toBe(credentials);
    expect(asked).toHaveLength(expected.length);
  });
});

describe('a refusal', () => {
  it.each([
    '',
    'role',
    'arn:aws:iam::1:role/x',
    `${AWAY}, ${AWAY}`,
    'arn:aws:iam::444455556666:user/x',
    '%41',
    AWAY.replace(':aws:', ':aws-cn:'),
  ])('of the malformed order %j names it, and nobody is asked', async (roleArn) => {
    const { asked, provider } = world({ ...PLAIN, roleArn: HOME }, 'keys');
    await expect(provider.get({ roleArn })).rejects.toMatchObject({
      failure: 'unavailable',
      message: expect.stringContaining('x-gateway-role-arn'),
      // With a cause it has a line of its own in the log.
      cause: new Error('x-gateway-role-arn'),
    });
    expect(asked).toStrictEqual([]);
  });

  it.each<[string, SignedFor, string]>([
    ['name', {}, 'subscriptionId'],
    ['name', { subscriptionId: '' }, 'subscriptionId'],
    ['tags', { subscriptionId: 'a' }, 'productId'],
  ])('of a call without the id that its %s needs: %j', async (_what, caller, id) => {
    const { provider } = world({ ...BY_TEAM, roleArn: HOME, sessionTags: 'product={productId}' }, 'keys');
    await expect(provider.get(caller)).rejects.toMatchObject({
      failure: 'accessDenied',
      message: expect.stringContaining(id),
    });
  });
});

describe('a probe', () => {
  it('for nobody is that of the keys, where sessions have the names of teams', async () => {
    const { provider } = world({ ...BY_TEAM, roleArn: HOME }, 'keys');
    expect(await provider.probe({})).toBe(KEYS);
  });

  it('for nobody is that of the session, where all share it', async () => {
    const { provider, asked } = world({ ...PLAIN, roleArn: HOME }, 'token');
    expect(await provider.probe({})).toBe(await provider.get({ subscriptionId: 'a' }));
    expect(asked).toHaveLength(1);
  });

  it('tells the base and the role apart', async () => {
    const role = { ...PLAIN, roleArn: HOME };
    await expect(world(role, 'keys', { base: true }).provider.probe({})).rejects.toThrow('no keys');
    await expect(world(role, 'keys', { sts: true }).provider.probe({})).rejects.toThrow('no session of the role');
  });
});
