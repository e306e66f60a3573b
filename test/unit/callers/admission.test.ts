import { describe, expect, it } from 'vitest';

import { admitCallers, admitEveryone, type VerifiedToken, type VerifyToken } from '../../../src/callers/admission.ts';

const CALLER = '9f4a1c2e-0000-4000-8000-0123456789ab';
const TOKEN = 'aaaa.bbbb-_.cccc';

function requestWith(...authorization: string[]) {
  return {
    headers: authorization[0] === undefined ? {} : { authorization: authorization[0] },
    rawHeaders: ['Host', 'x', ...authorization.flatMap((value) => ['Authorization', value])],
  };
}

/** A verifier that knows one token, and the tokens it was asked about. */
function verifierOf(result: VerifiedToken): { verify: VerifyToken; asked: string[] } {
  const asked: string[] = [];
  const verify: VerifyToken = async (token) => {
    asked.push(token);
    return result;
  };
  return { verify, asked };
}

describe('admitCallers', () => {
  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN}`])('admits %j', async (authorization) => {
    const { verify, asked } = verifierOf({ callerId: CALLER.toUpperCase() });
    await admitCallers(verify, ['other', CALLER])(requestWith(authorization));
    expect(asked).toStrictEqual([TOKEN]);
  });

  it.each<[string, string[]]>([
    ['no header', []],
    ['an empty one', ['']],
    ['two', [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`]],
    ['a good one before a bad one', [`Bearer ${TOKEN}`, 'Basic eA==']],
    ['Basic', ['Basic dXNlcjpwYXNz']],
    ['no scheme', [TOKEN]],
    ['no token', ['Bearer']],
    ['a blank token', ['Bearer  ']],
    ['two tokens', [`Bearer ${TOKEN} ${TOKEN}`]],
    ['a list', [`Bearer ${TOKEN}, Bearer ${TOKEN}`]],
    ['quotes', [`Bearer "${TOKEN}"`]],
    ['a tab', [`Bearer\t${TOKEN}`]],
    ['something before', [`x Bearer ${TOKEN}`]],
    ['a signature of AWS', ['AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/bedrock/aws4_request']],
  ])('refuses %s and does not ask the verifier', async (_name, authorization) => {
    const { verify, asked } = verifierOf({ callerId: CALLER });
    await expect(admitCallers(verify, [CALLER])(requestWith(...authorization))).rejects.toMatchObject({
      failure: 'unauthorized',
      status: 401,
    });
    expect(asked).toStrictEqual([]);
  });

  it('counts headers whatever the case of their name', async () => {
    const { verify } = verifierOf({ callerId: CALLER });
    const request = requestWith(`Bearer ${TOKEN}`);
    request.rawHeaders.push('AUTHORIZATION', 'Bearer x');
    await expect(admitCallers(verify, [CALLER])(request)).rejects.toMatchObject({ failure: 'unauthorized' });
  });

  it('a value that is named like the header does not count', async () => {
    const { verify } = verifierOf({ callerId: CALLER });
    const request = requestWith(`Bearer ${TOKEN}`);
    request.rawHeaders.push('X-Any', 'authorization');
    await expect(admitCallers(verify, [CALLER])(request)).resolves.toBeUndefined();
  });

  it('refuses an invalid token and keeps the reason for the log', async () => {
    const { verify } = verifierOf({ invalid: 'expired' });
    await expect(admitCallers(verify, [CALLER])(requestWith(`Bearer ${TOKEN}`))).rejects.toMatchObject({
      failure: 'unauthorized',
      message: expect.not.stringContaining('expired'),
      cause: expect.objectContaining({ message: 'expired' }),
    });
  });

  it.each([[[]], [['']], [['another']], [[`${CALLER}0`]]])('refuses a caller that is not in %j', async (allowed) => {
    const { verify } = verifierOf({ callerId: CALLER });
    await expect(admitCallers(verify, allowed)(requestWith(`Bearer ${TOKEN}`))).rejects.toMatchObject({
      failure: 'accessDenied',
      status: 403,
    });
  });

  it('is unavailable while nothing can be verified', async () => {
    const cause = new Error('outage');
    const admit = admitCallers(() => Promise.reject(cause), [CALLER]);
    await expect(admit(requestWith(`Bearer ${TOKEN}`))).rejects.toMatchObject({
      failure: 'unavailable',
      status: 503,
      cause,
    });
    await expect(admit(requestWith())).rejects.toMatchObject({ failure: 'unauthorized' });
  });
});

it('admitEveryone asks for nothing', async () => {
  await expect(admitEveryone(requestWith())).resolves.toBeUndefined();
});
