import { describe, expect, it } from 'vitest';
import { signWithCrt, type Draft } from './crt-signer.ts';
import type { RawRequest } from './sigv4-canonical.ts';
import { verifySignature, type BedrockKey, type Verdict } from './sigv4-verifier.ts';

interface Published {
  /** Name of the case in the suite. */
  readonly name: string;
  readonly signature: string;
  readonly target?: string;
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
  /** Names of `headers`, signed besides `host` and `x-amz-date`. */
  readonly signed?: string;
}

const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ETHIOPIC = Buffer.from('ሴ').toString('latin1');
const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';

const PUBLISHED: readonly Published[] = [
  { name: 'get-vanilla', signature: VANILLA },
  { name: 'get-slash', signature: VANILLA, target: '//' },
  { name: 'get-slash-dot-slash', signature: VANILLA, target: '/./' },
  { name: 'get-relative', signature: VANILLA, target: '/example/..' },
  { name: 'get-relative-relative', signature: VANILLA, target: '/example1/example2/../..' },
  {
    name: 'get-slash-pointless-dot',
    signature: 'ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5',
    target: '/./example',
  },
  {
    name: 'get-slashes',
    signature: '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84',
    target: '//example//',
  },
  {
    name: 'get-space',
    signature: '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741',
    target: '/example space/',
  },
  {
    name: 'get-unreserved',
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
    target: `/${UNRESERVED}`,
  },
  {
    name: 'get-utf8',
    signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85',
    target: `/${ETHIOPIC}`,
  },
  {
    name: 'get-vanilla-query-order-key-case',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    target: '/?Param2=value2&Param1=value1',
  },
  {
    name: 'get-vanilla-query-order-value',
    signature: '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
    target: '/?Param1=value2&Param1=value1',
  },
  {
    name: 'get-vanilla-query-order-key',
    signature: 'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
    target: '/?Param1=value2&Param1=Value1',
  },
  {
    name: 'get-vanilla-query-unreserved',
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    target: `/?${UNRESERVED}=${UNRESERVED}`,
  },
  {
    name: 'get-vanilla-utf8-query',
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
    target: `/?${ETHIOPIC}=bar`,
  },
  {
    name: 'get-header-key-duplicate',
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    headers: ['My-Header1', 'value2', 'My-Header1', 'value2', 'My-Header1', 'value1'],
    signed: 'my-header1',
  },
  {
    name: 'get-header-value-order',
    signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
    headers: ['My-Header1', 'value4', 'My-Header1', 'value1', 'My-Header1', 'value3', 'My-Header1', 'value2'],
    signed: 'my-header1',
  },
  {
    name: 'get-header-value-trim',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    headers: ['My-Header1', ' value1', 'My-Header2', ' "a   b   c"'],
    signed: 'my-header1;my-header2',
  },
  {
    name: 'post-vanilla',
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    method: 'POST',
  },
  {
    name: 'post-x-www-form-urlencoded',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    method: 'POST',
    headers: ['Content-Type', 'application/x-www-form-urlencoded'],
    body: 'Param1=value1',
    signed: 'content-type',
  },
];

describe('on the signatures AWS published in its Signature Version 4 test suite', () => {
  it.each(PUBLISHED)('$name', (published) => {
    const { signature, target = '/', method = 'GET', headers = [], body = '', signed = '' } = published;
    const signedHeaders = `${signed};host;x-amz-date`.split(';').filter(Boolean).toSorted();
    const credential = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
    const authorization = `Credential=${credential}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
    const request = {
      method,
      target,
      rawHeaders: [
        'Host',
        'example.amazonaws.com',
        ...headers,
        'X-Amz-Date',
        '20150830T123600Z',
        'Authorization',
        `AWS4-HMAC-SHA256 ${authorization}`,
      ],
      body: Buffer.from(body),
    };
    const verdict = verifySignature(request, {
      region: 'us-east-1',
      service: 'service',
      now: new Date('2015-08-30T12:36:00Z'),
      keyFor: (accessKeyId) => ({ accessKeyId, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }),
    });
    expect(verdict).toEqual({ accessKeyId: 'AKIDEXAMPLE', signedHeaders });
  });
});

const NOW = new Date('2026-05-01T10:00:00Z');
const KEY: BedrockKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const SESSION_KEY: BedrockKey = { ...KEY, accessKeyId: 'ASIAIOSFODNN7EXAMPLE', sessionToken: 'FwoGZXIvYXdzE+/en==' };
const PROFILE = 'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-3-haiku';

function sign(draft: Partial<Draft> = {}): Promise<RawRequest> {
  return signWithCrt({
    method: 'POST',
    target: '/model/m/converse',
    host: 'bedrock-runtime.us-east-1.amazonaws.com',
    headers: [],
    body: Buffer.from('{"a":1}'),
    key: KEY,
    region: 'us-east-1',
    service: 'bedrock',
    date: NOW,
    hashHeader: true,
    ...draft,
  });
}

function verify(request: RawRequest, now = NOW, otherRegions: readonly string[] = []): Verdict {
  return verifySignature(request, {
    region: 'us-east-1',
    otherRegions,
    service: 'bedrock',
    now,
    keyFor: (id) => [KEY, SESSION_KEY].find(({ accessKeyId }) => accessKeyId === id),
    isExpired: (token) => token === 'expired',
  });
}

function refusal(request: RawRequest, now = NOW): string {
  const { refusal: error } = verify(request, now);
  return error === undefined ? 'accepted' : `${error.status} ${error.errorType}`;
}

/** `rawHeaders` with the value of one header changed. */
function withHeader(request: RawRequest, name: string, change: (value: string) => string): RawRequest {
  const at = request.rawHeaders.findIndex((entry, index) => index % 2 === 0 && entry.toLowerCase() === name);
  return { ...request, rawHeaders: request.rawHeaders.with(at + 1, change(request.rawHeaders[at + 1] ?? '')) };
}

const HOSTILE: readonly (readonly [name: string, draft: Partial<Draft>])[] = [
  ['a model id with %3A', { target: '/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse' }],
  ['a model id with a raw colon', { target: '/model/anthropic.claude-3-haiku-20240307-v1:0/converse' }],
  ['an ARN with %3A and %2F', { target: `/model/${PROFILE}/converse-stream` }],
  ['lower-case percent-encoding', { target: '/model/a%3a0/converse' }],
  ["reserved characters !'()*", { target: "/model/a!'()*,;=@$&/converse" }],
  ['dot segments and empty segments', { target: '/a//b/./c/../d/' }],
  ['UTF-8 in the path', { target: '/model/%E2%82%AC/converse' }],
  ['repeated query names', { method: 'GET', target: '/async-invoke?b=2&a=2&a=10&a=1&B=3' }],
  ['empty query values', { method: 'GET', target: '/async-invoke?b=&a&=c' }],
  ['UTF-8 and encoded delimiters in the query', { method: 'GET', target: '/a?%C3%A9=%E2%82%AC&t=%2B%26%3D%25&u=%2f~' }],
  ['names that sort otherwise once encoded', { method: 'GET', target: '/a?a%5B%5D=1&a-b=2&aB=3&a%7E=4' }],
  ['an empty query', { method: 'GET', target: '/async-invoke?' }],
  ['an empty body', { body: Buffer.alloc(0) }],
  ['a binary body', { body: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) }],
  ['a body whose hash is in no header', { hashHeader: false }],
  ['a session token', { key: SESSION_KEY }],
  [
    'blanks around and in header values',
    {
      headers: [
        ['X-Amzn-Bedrock-Trace', '  a   b\t c '],
        ['Accept', ''],
      ],
    },
  ],
  [
    'repeated headers',
    {
      headers: [
        ['Anthropic-Beta', 'b'],
        ['accept', '*/*'],
        ['anthropic-beta', 'a'],
      ],
    },
  ],
  ['UTF-8 in a header', { headers: [['x-amzn-bedrock-trace', 'café €']] }],
  ['raw UTF-8 in the path', { target: '/model/€/converse' }],
];

describe('on the signatures of the AWS Common Runtime', () => {
  it.each(HOSTILE)('accepts %s', async (_, draft) => {
    const verdict = verify(await sign(draft));
    expect(verdict.refusal?.message).toBeUndefined();
    expect(verdict.accessKeyId).toBe((draft.key ?? KEY).accessKeyId);
  });

  it.each(HOSTILE)('refuses changed bytes after %s', async (_, draft) => {
    const request = await sign(draft);
    const changed: Record<string, RawRequest> = {
      method: { ...request, method: 'PUT' },
      path: { ...request, target: request.target.replace('/', '/A') },
      'path case': { ...request, target: request.target.replace(/[a-z]/, (letter) => letter.toUpperCase()) },
      query: { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}x=1` },
      body: { ...request, body: Buffer.concat([request.body, Buffer.from([0])]) },
      host: withHeader(request, 'host', (host) => host.replace('us-east-1', 'us-west-2')),
      signature: withHeader(request, 'authorization', (value) =>
        value.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')),
      ),
    };
    for (const [what, altered] of Object.entries(changed)) {
      expect([what, refusal(altered)]).toEqual([what, '403 InvalidSignatureException']);
    }
  });

  it('refuses a changed value of a signed header, and changed order of two of one name', async () => {
    const request = await sign({
      headers: [
        ['anthropic-beta', 'a'],
        ['anthropic-beta', 'b'],
      ],
    });
    expect(refusal(request)).toBe('accepted');
    expect(refusal(withHeader(request, 'anthropic-beta', () => 'A'))).toBe('403 InvalidSignatureException');
    const swapped = request.rawHeaders.map((entry) => ({ a: 'b', b: 'a' })[entry] ?? entry);
    expect(refusal({ ...request, rawHeaders: swapped })).toBe('403 InvalidSignatureException');
  });

  it('refuses one flipped bit anywhere in a body', async () => {
    const request = await sign({ body: Buffer.from('{"messages":[]}'), hashHeader: false });
    for (let index = 0; index < request.body.length; index += 1) {
      const body = Buffer.from(request.body);
      body[index] = (body[index] ?? 0) ^ 1;
      expect(refusal({ ...request, body })).toBe('403 InvalidSignatureException');
    }
  });

  it.each<readonly [name: string, expected: string, draft: Partial<Draft>]>([
    ['another secret', '403 InvalidSignatureException', { key: { ...KEY, secretAccessKey: 'wrong' } }],
    ['an unknown key', '403 UnrecognizedClientException', { key: { ...KEY, accessKeyId: 'AKIAUNKNOWN' } }],
    ['a wrong session token', '403 UnrecognizedClientException', { key: { ...SESSION_KEY, sessionToken: 'other' } }],
    ['a key without its session token', '403 UnrecognizedClientException', { key: withoutToken(SESSION_KEY) }],
    ['a token with a long-term key', '403 UnrecognizedClientException', { key: { ...KEY, sessionToken: 'other' } }],
    ['an expired session token', '403 ExpiredTokenException', { key: { ...SESSION_KEY, sessionToken: 'expired' } }],
    ['another region', '403 InvalidSignatureException', { region: 'us-west-2' }],
    ['another service', '403 InvalidSignatureException', { service: 'bedrock-mantle' }],
    ['a raw plus in the query', '400 ValidationException', { target: '/async-invoke?nextToken=a+b' }],
    ['a fragment', '400 ValidationException', { target: '/async-invoke#a' }],
    ['a lone percent sign', '400 ValidationException', { target: '/model/a%/converse' }],
  ])('refuses %s', async (_, expected, draft) => {
    expect(refusal(await sign(draft))).toBe(expected);
  });

  it('takes another region where its address stands for that too', async () => {
    const request = await sign({ region: 'us-west-2' });
    expect(verify(request, NOW, ['us-west-2'])).not.toHaveProperty('refusal');
  });

  it('allows five minutes on either side and not a second more', async () => {
    const request = await sign();
    expect(refusal(request, secondsLater(300))).toBe('accepted');
    expect(refusal(request, secondsLater(-300))).toBe('accepted');
    expect(verify(request, secondsLater(301)).refusal?.message).toBe(
      'Signature expired: 20260501T100000Z is now earlier than 20260501T100001Z (20260501T100501Z - 5 min.)',
    );
    expect(verify(request, secondsLater(-301)).refusal?.message).toBe(
      'Signature not yet current: 20260501T100000Z is still later than 20260501T095959Z (20260501T095459Z + 5 min.)',
    );
  });

  it.each<readonly [what: string, header: string, change: (value: string) => string, expected: string]>([
    ['a malformed date', 'x-amz-date', () => '2026-05-01T10:00:00Z', '403 IncompleteSignatureException'],
    ['an unsigned host', 'authorization', (value) => value.replace('host;', ''), '403 InvalidSignatureException'],
    [
      'an unsigned x-amz header',
      'authorization',
      (value) => value.replace('x-amz-content-sha256;', ''),
      '403 InvalidSignatureException',
    ],
    ['signed headers out of order', 'authorization', swapFirstSigned, 'accepted'],
    [
      'no signature',
      'authorization',
      (value) => value.replace(/, Signature=.*/, ''),
      '403 IncompleteSignatureException',
    ],
    ['a short signature', 'authorization', (value) => value.slice(0, -1), '403 IncompleteSignatureException'],
    ['a bearer token', 'authorization', () => 'Bearer key', '403 AccessDeniedException'],
    [
      'another algorithm',
      'authorization',
      (value) => value.replace('SHA256', 'SHA1'),
      '403 IncompleteSignatureException',
    ],
  ])('answers %s', async (_, header, change, expected) => {
    expect(refusal(withHeader(await sign(), header, change))).toBe(expected);
  });

  it('names a day of the scope that is not the date’s', async () => {
    const request = withHeader(
      await sign({ date: new Date('2026-05-01T00:00:00Z') }),
      'x-amz-date',
      () => '20260430T235959Z',
    );
    expect(verify(request, new Date('2026-05-01T00:00:00Z')).refusal?.message).toMatch(/^Date in Credential scope /);
  });

  it('names a payload hash that is not the body’s', async () => {
    const request = withHeader(await sign(), 'x-amz-content-sha256', () => 'UNSIGNED-PAYLOAD');
    expect(verify(request).refusal?.message).toMatch(/^The value of 'x-amz-content-sha256' is not/);
  });

  it('refuses a request that lost a signed header on the way', async () => {
    const request = await sign({ headers: [['accept', 'application/json']] });
    expect(refusal(request)).toBe('accepted');
    const rawHeaders = request.rawHeaders.toSpliced(request.rawHeaders.indexOf('accept'), 2);
    expect(refusal({ ...request, rawHeaders })).toBe('403 InvalidSignatureException');
  });

  it.each(['x-amz-target', 'X-Amz-User-Agent'])('refuses an x-amz header added after signing: %s', async (name) => {
    const request = await sign();
    expect(refusal({ ...request, rawHeaders: [...request.rawHeaders, name, 'a'] })).toBe(
      '403 InvalidSignatureException',
    );
  });

  it('does not care about unsigned headers that need no signature', async () => {
    const request = await sign();
    expect(
      refusal({ ...request, rawHeaders: [...request.rawHeaders, 'User-Agent', 'a', 'X-Amzn-Trace-Id', 'b'] }),
    ).toBe('accepted');
  });

  it('refuses two Authorization headers, and none', async () => {
    const request = await sign();
    const at = request.rawHeaders.indexOf('Authorization');
    const authorization = request.rawHeaders.slice(at, at + 2);
    expect(refusal({ ...request, rawHeaders: [...request.rawHeaders, ...authorization] })).toBe(
      '403 IncompleteSignatureException',
    );
    expect(refusal({ ...request, rawHeaders: request.rawHeaders.toSpliced(at, 2) })).toBe(
      '403 MissingAuthenticationTokenException',
    );
  });

  it('refuses two values of x-amz-date', async () => {
    const request = await sign();
    expect(refusal({ ...request, rawHeaders: [...request.rawHeaders, 'x-amz-date', '20260501T100000Z'] })).toBe(
      '403 IncompleteSignatureException',
    );
  });
});

function secondsLater(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000);
}

function withoutToken({ accessKeyId, secretAccessKey }: BedrockKey): BedrockKey {
  return { accessKeyId, secretAccessKey };
}

/** The list in another order signs the same headers: the canonical request sorts them. */
function swapFirstSigned(authorization: string): string {
  return authorization.replace(/SignedHeaders=([^;]+);([^;]+)/, 'SignedHeaders=$2;$1');
}
