import { describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { byKeys, byWebIdentity, TokenError } from '../../../src/credentials/session-source.ts';
import type { SessionCredentials, SessionRequest, Sts } from '../../../src/credentials/sts.ts';
import { tokenClaims } from '../../../src/credentials/token-claims.ts';

const OLD: AwsCredentials = { accessKeyId: 'AKIAOLD', secretAccessKey: 's' };
const NEW: AwsCredentials = { accessKeyId: 'AKIANEW', secretAccessKey: 's' };
const REQUEST: SessionRequest = { roleArn: 'arn:aws:iam::1:role/x', name: 'n', tags: {}, durationSeconds: 3600 };
const signal = new AbortController().signal;

function sts(refuse: (by: AwsCredentials | string) => string | undefined): Sts {
  const answer = async (by: AwsCredentials | string): Promise<SessionCredentials> => {
    const code = refuse(by);
    if (code !== undefined) throw Object.assign(new Error('no'), { code });
    return {
      accessKeyId: `session of ${typeof by === 'string' ? by : by.accessKeyId}`,
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: new Date(),
      accountId: '1',
      roleSessionName: 'n',
    };
  };
  return { assumeRole: answer, assumeRoleWithWebIdentity: answer };
}

/** A vault in which there are, or are not, other keys. */
function vault(others: AwsCredentials | undefined) {
  const replaced: AwsCredentials[] = [];
  const replace = async (refused: AwsCredentials) => {
    replaced.push(refused);
    return others;
  };
  return { replaced, shared: { get: async () => OLD, replace } };
}

const onlyNew = (code: string) => sts((by) => (by === NEW ? undefined : code));

describe('sessions by keys', () => {
  it.each(['InvalidClientTokenId', 'SignatureDoesNotMatch', 'ExpiredToken', 'ExpiredTokenException'])(
    'that STS no longer knows (%s): by others',
    async (code) => {
      const { replaced, shared } = vault(NEW);
      const made = await byKeys(shared, async () => onlyNew(code))(REQUEST, signal);
      expect(made.accessKeyId).toBe('session of AKIANEW');
      expect(replaced).toStrictEqual([OLD]);
    },
  );

  it('without others: STS has the last word', async () => {
    const { shared } = vault(undefined);
    const make = byKeys(shared, async () => onlyNew('InvalidClientTokenId'));
    await expect(make(REQUEST, signal)).rejects.toMatchObject({ code: 'InvalidClientTokenId' });
  });

  it.each(['AccessDenied', 'Throttling', 'ValidationError', 'RegionDisabledException'])(
    'refused for what was asked (%s): no reason to read the vault',
    async (code) => {
      const { replaced, shared } = vault(NEW);
      await expect(byKeys(shared, async () => onlyNew(code))(REQUEST, signal)).rejects.toMatchObject({ code });
      expect(replaced).toStrictEqual([]);
    },
  );
});

describe('sessions by a token', () => {
  const claims = { iss: 'https://sts.windows.net/t/', aud: 'api://aws', sub: 'object id', ver: '1.0' };
  const token = `h.${Buffer.from(JSON.stringify({ ...claims, oid: 'x', exp: 5 })).toString('base64url')}.s`;

  it('are made by it', async () => {
    const make = byWebIdentity(
      async () => token,
      async () => sts(() => undefined),
    );
    expect((await make(REQUEST, signal)).accessKeyId).toBe(`session of ${token}`);
  });

  it('refused: the error says which token it was, and does not hold it', async () => {
    const make = byWebIdentity(
      async () => token,
      async () => sts(() => 'InvalidIdentityToken'),
    );
    const error = await make(REQUEST, signal).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'InvalidIdentityToken', claims });
    expect(JSON.stringify(error)).not.toContain(token);
  });

  it('no token: that is what is said, and STS is not asked', async () => {
    const cause = new Error('429');
    const asked: unknown[] = [];
    const make = byWebIdentity(
      () => Promise.reject(cause),
      async () => sts((by) => void asked.push(by)),
    );
    const error = await make(REQUEST, signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenError);
    expect(error).toMatchObject({ cause });
    expect(asked).toStrictEqual([]);
  });

  it.each(['', 'x', 'a.b.c', 'a.bnVsbA.c', `a.${Buffer.from('[1]').toString('base64url')}.c`])(
    'no claims of %j',
    (text) => {
      expect(tokenClaims(text)).toStrictEqual({});
    },
  );

  it('claims that are no texts are left out, and long ones cut', () => {
    const odd = Buffer.from(JSON.stringify({ iss: 5, aud: ['a'], sub: 'x'.repeat(500) })).toString('base64url');
    expect(tokenClaims(`a.${odd}.c`)).toStrictEqual({ sub: 'x'.repeat(200) });
  });
});
