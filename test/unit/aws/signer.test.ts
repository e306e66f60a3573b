import { createHash } from 'node:crypto';

import { Sha256 } from '@aws-crypto/sha256-js';
import { auth, http } from 'aws-crt';
import { describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { createSigner, type SignableRequest } from '../../../src/aws/signer.ts';

const REGION = 'eu-central-1';
const HOST = `bedrock-runtime.${REGION}.amazonaws.com`;
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const TEMPORARY = { ...KEYS, sessionToken: 'IQoJb3JpZ2luX2Vj+/token==' };
const ARN = 'arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-3-5-haiku-20241022-v1:0';

const sign = createSigner('bedrock', REGION, `https://${HOST}`);

function request(over: Partial<SignableRequest> = {}): SignableRequest {
  return {
    method: 'POST',
    path: '/model/some-id/converse',
    query: '',
    headers: { 'content-type': 'application/json' },
    bodySha256: sha256('{"messages":[]}'),
    ...over,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The Authorization header that the AWS Common Runtime makes for the same request at the same time. */
async function authorizationOfCrt(
  signable: SignableRequest,
  keys: AwsCredentials,
  amzDate: string,
): Promise<string | undefined> {
  const { method, path, query, headers, bodySha256 } = signable;
  const date = amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const signed = await auth.aws_sign_request(
    new http.HttpRequest(
      method,
      query === '' ? path : `${path}?${query}`,
      new http.HttpHeaders([['Host', HOST], ...Object.entries(headers)]),
    ),
    {
      algorithm: auth.AwsSigningAlgorithm.SigV4,
      signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
      provider: auth.AwsCredentialsProvider.newStatic(keys.accessKeyId, keys.secretAccessKey, keys.sessionToken),
      region: REGION,
      service: 'bedrock',
      date: new Date(date),
      use_double_uri_encode: true,
      should_normalize_uri_path: true,
      signed_body_value: bodySha256,
      signed_body_header: auth.AwsSignedBodyHeaderType.XAmzContentSha256,
    },
  );
  return [...signed.headers].find(([name]) => name.toLowerCase() === 'authorization')?.[1];
}

describe('the signature is the one that the AWS Common Runtime makes', () => {
  it.each<[string, Partial<SignableRequest>, AwsCredentials]>([
    ['a plain call', {}, KEYS],
    ['a session token', {}, TEMPORARY],
    ['an empty body', { bodySha256: sha256('') }, KEYS],
    ['GET', { method: 'GET', path: '/async-invoke', headers: {} }, KEYS],
    ['an encoded colon', { path: '/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse' }, KEYS],
    ['an ARN', { path: `/model/${encodeURIComponent(ARN)}/converse-stream` }, TEMPORARY],
    ['a query', { method: 'GET', path: '/async-invoke', query: 'maxResults=5&sortBy=SubmissionTime' }, KEYS],
    ['parameters out of order', { query: 'b=2&a=1&B=3&a-=4&a.b=5' }, KEYS],
    ['a repeated parameter', { query: 'a=2&a=10&a=1&b=3&a=' }, KEYS],
    ['a parameter without value', { query: 'a&b=' }, KEYS],
    ['an equals sign in a value', { query: 'nextToken=ab==&x=1' }, KEYS],
    ['encoded characters', { query: 'nextToken=a%2Fb%3D%3D%26&t=2026-01-01T00%3A00%3A00Z&p=e%20f%2B%25' }, KEYS],
    ['lower-case escapes', { query: 'a=%2f%c3%a9' }, KEYS],
    ['characters that need no escape', { query: "a=~-_.!*'()" }, KEYS],
    ['an encoded name', { query: '%C3%A9%20x=1&%2Fz=2' }, KEYS],
    ['a parameter named constructor', { query: 'constructor=1&a=2' }, KEYS],
    ['white space in values', { headers: { accept: '  a   b\t c  ', 'x-amzn-bedrock-trace': '\tENABLED ' } }, KEYS],
    ['quoted white space', { headers: { accept: 'a;q="x   y"' } }, KEYS],
    ['an empty value', { headers: { accept: '', 'content-type': 'application/json' } }, KEYS],
    [
      'every header that is signed',
      {
        headers: {
          accept: 'application/json, */*;q=0.1',
          'anthropic-beta': 'a,b',
          'anthropic-version': '2023-06-01',
          'content-encoding': 'gzip',
          'content-type': 'application/json; charset=utf-8',
          'x-amz-source-arn': ARN,
          'x-amz-user-agent': 'aws-sdk-js/3.0 ua/2.1 os/linux#6 (x; y)',
          'x-amzn-bedrock-guardrailidentifier': 'g-1',
        },
      },
      TEMPORARY,
    ],
  ])('%s', async (_name, over, keys) => {
    const signable = request(over);
    const headers = await sign(signable, keys);
    const expected = await authorizationOfCrt(signable, keys, headers['x-amz-date'] ?? '');
    expect(expected).toMatch(/^AWS4-HMAC-SHA256 /);
    expect(headers['authorization']).toBe(expected);
  });
});

describe('the headers', () => {
  function signedNames({ authorization }: Record<string, string>): string[] {
    return /SignedHeaders=([^,]+)/.exec(authorization ?? '')?.[1]?.split(';') ?? [];
  }

  it('are those given and those of the signature, all of them signed', async () => {
    const headers = await sign(request({ headers: { accept: 'x', 'anthropic-beta': 'y' } }), TEMPORARY);
    const names = ['accept', 'anthropic-beta', 'host', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'];
    expect(Object.keys(headers).toSorted()).toStrictEqual([...names, 'authorization'].toSorted());
    expect(signedNames(headers)).toStrictEqual(names);
    expect(headers).toMatchObject({
      accept: 'x',
      host: HOST,
      'x-amz-content-sha256': request().bodySha256,
      'x-amz-security-token': TEMPORARY.sessionToken,
    });
    expect(headers['authorization']).toContain(
      `Credential=AKIDEXAMPLE/${headers['x-amz-date']?.slice(0, 8)}/${REGION}/bedrock/aws4_request`,
    );
  });

  it('hold no session token where the keys have none', async () => {
    expect(Object.keys(await sign(request(), KEYS))).not.toContain('x-amz-security-token');
  });

  it('leave the request as it was', async () => {
    const signable = request();
    const before = structuredClone(signable);
    await sign(signable, TEMPORARY);
    expect(signable).toStrictEqual(before);
  });

  it('name the port of an endpoint that has one', async () => {
    const headers = await createSigner('bedrock', REGION, 'http://127.0.0.1:4566')(request(), KEYS);
    expect(headers['host']).toBe('127.0.0.1:4566');
  });
});

it('keys do not mix, whoever signs at the same time and again, and whatever they share', async () => {
  const sets: readonly AwsCredentials[] = [
    TEMPORARY,
    { accessKeyId: 'AKIDOTHER', secretAccessKey: 'another' },
    { ...KEYS, secretAccessKey: 'another' },
    { ...KEYS, accessKeyId: 'AKIDOTHER' },
  ];
  for (let round = 0; round < 2; round += 1) {
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const keys: AwsCredentials = sets[index % sets.length] ?? KEYS;
        return { keys, headers: await sign(request(), keys) };
      }),
    );
    for (const { keys, headers } of all) {
      expect(headers['x-amz-security-token']).toBe(keys.sessionToken);
      expect(headers['authorization']).toBe(await authorizationOfCrt(request(), keys, headers['x-amz-date'] ?? ''));
    }
  }
});

it('a signing key is derived once for each pair of keys and day, however many teams sign in turn', async () => {
  let derivations = 0;
  class CountingSha256 extends Sha256 {
    override digest() {
      derivations += 1;
      return super.digest();
    }
  }
  let now = Date.UTC(2026, 10, 30, 23, 59, 59);
  const counted = createSigner('bedrock', REGION, `https://${HOST}`, () => now, CountingSha256);
  const teams = Array.from({ length: 200 }, (_, index) => ({ ...TEMPORARY, secretAccessKey: `of team ${index}` }));
  const signAll = () => Promise.all([...teams, ...teams].map((keys) => counted(request(), keys)));
  const hashesOfOne = 5;

  await signAll();
  await signAll();
  expect(derivations).toBe(teams.length * hashesOfOne);
  now += 1000;
  const [first] = await signAll();
  expect(derivations).toBe(2 * teams.length * hashesOfOne);
  expect(first?.['authorization']).toContain('Credential=AKIDEXAMPLE/20261201/');
  expect(first?.['authorization']).toBe(
    await authorizationOfCrt(request(), teams[0] ?? KEYS, first?.['x-amz-date'] ?? ''),
  );
});

it('refuses a query that is not percent-encoded UTF-8', async () => {
  await expect(sign(request({ query: 'a=%FF' }), KEYS)).rejects.toMatchObject({ failure: 'invalidRequest' });
});
