import { describe, expect, it } from 'vitest';

import {
  admitCallers,
  admitEveryone,
  callerOf,
  checkModel,
  type VerifiedToken,
  type VerifyToken,
} from '../../../src/callers/caller.ts';

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

describe('callerOf', () => {
  it('reads the headers of the gateway, and no others', () => {
    expect(
      callerOf({
        'x-gateway-subscription-id': 'sub-1',
        'x-gateway-subscription-name': '%C3%89quipe%20%22A%22%2C%20100%25',
        'x-gateway-product-id': 'product',
        'x-gateway-user-id': '1',
        'x-gateway-request-id': '5c0e',
        'x-gateway-allowed-models': 'anthropic.*, amazon.nova-lite-v1%3A0',
        'x-gateway-other': 'x',
        'x-subscription-id': 'x',
      }),
    ).toStrictEqual({
      subscriptionId: 'sub-1',
      subscriptionName: 'Équipe "A", 100%',
      productId: 'product',
      userId: '1',
      gatewayRequestId: '5c0e',
      allowedModels: ['anthropic.*', 'amazon.nova-lite-v1:0'],
    });
  });

  it('what is not said is absent', () => {
    expect(callerOf({})).toStrictEqual({});
  });

  it.each(['100%', '%zz', '%FF'])('leaves %j as it is: no encoding', (value) => {
    expect(callerOf({ 'x-gateway-subscription-name': value }).subscriptionName).toBe(value);
  });
});

describe('checkModel', () => {
  const HAIKU = 'anthropic.claude-3-haiku-20240307-v1:0';
  const PROFILE = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${HAIKU}`;

  it.each<[string | undefined, string]>([
    [undefined, HAIKU],
    ['*', HAIKU],
    ['*', PROFILE],
    [HAIKU, HAIKU],
    ['anthropic.*', HAIKU],
    ['anthropic.claude-3-*', HAIKU],
    [`${HAIKU}*`, HAIKU],
    [`amazon.nova,${HAIKU}`, HAIKU],
    [` amazon.nova , ${HAIKU} `, HAIKU],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.*', PROFILE],
    [`,,${HAIKU}`, HAIKU],
  ])('%j allows %s', (list, model) => {
    expect(() => checkModel(callerWith(list), model)).not.toThrow();
  });

  it.each<[string, string]>([
    ['', HAIKU],
    [' ', HAIKU],
    [',', HAIKU],
    ['', ''],
    ['anthropic', HAIKU],
    ['anthropic.', HAIKU],
    ['*.claude-3-haiku-20240307-v1:0', HAIKU],
    ['anthropic.*-v1:0', HAIKU],
    ['Anthropic.*', HAIKU],
    ['anthropic.*', PROFILE],
    ['anthropic.*', `us.${HAIKU}`],
    [HAIKU, `${HAIKU}0`],
    ['anthropic?claude-3-haiku-20240307-v1:0', HAIKU],
    ['.*', HAIKU],
  ])('%j refuses %s', (list, model) => {
    expect(() => checkModel(callerWith(list), model)).toThrow(
      expect.objectContaining({ failure: 'accessDenied', status: 403 }),
    );
  });

  function callerWith(list: string | undefined) {
    return callerOf(list === undefined ? {} : { 'x-gateway-allowed-models': list });
  }
});
