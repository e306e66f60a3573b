import { beforeEach, describe, expect, it } from 'vitest';

import { SignatureRefused } from '../../../src/aws/signature-refusal.ts';
import { createAnswerBody } from '../../../src/aws/answer-body.ts';
import { NotConnected, type UpstreamAnswer } from '../../../src/aws/upstream.ts';
import { CallerGone, ProxyError } from '../../../src/errors.ts';
import { sendAcross } from '../../../src/proxy/send-across.ts';

type Headers = UpstreamAnswer['headers'];

/** What the plan was told, what was asked, and which answers were given up, in this order. */
let events: string[];
beforeEach(() => {
  events = [];
});

const answers: Readonly<Record<string, { status: number; headers: Headers }>> = {
  served: { status: 200, headers: {} },
  throttled: { status: 429, headers: { 'x-amzn-errortype': 'ThrottlingException' } },
  'throttled for 7 s': { status: 429, headers: { 'retry-after': '7' } },
  unavailable: { status: 503, headers: { 'x-amzn-errortype': 'ServiceUnavailableException' } },
  'not ready': { status: 429, headers: { 'x-amzn-errortype': 'ModelNotReadyException' } },
  invalid: { status: 400, headers: { 'x-amzn-errortype': 'ValidationException' } },
  'invalid for 7 s': {
    status: 400,
    headers: { 'x-amzn-errortype': 'ValidationException', 'retry-after': '7' },
  },
  unknown: { status: 404, headers: {} },
  denied: { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } },
  internal: { status: 500, headers: { 'x-amzn-errortype': 'InternalServerException' } },
  'too slow': { status: 408, headers: { 'x-amzn-errortype': 'ModelTimeoutException' } },
  'model failed': { status: 424, headers: { 'x-amzn-errortype': 'ModelErrorException' } },
};

const failures: Readonly<Record<string, Error>> = {
  'not connected': new NotConnected(new Error('ECONNREFUSED')),
  broken: new ProxyError('upstreamBroken', 'The connection to Bedrock failed.'),
  'no headers': new ProxyError('modelTimeout', 'Bedrock did not answer in time.'),
  'keys refused': new ProxyError('unavailable', 'AWS does not accept the credentials of this proxy.', {
    cause: new SignatureRefused('UnrecognizedClientException', 'The security token is invalid.', 'id'),
  }),
  'no keys': new ProxyError('unavailable', 'The AWS credentials could not be read.'),
  gone: new CallerGone(),
};

/**
 * A call whose regions do what is said of each, in the order of the plan. Returns the region whose answer or failure it
 * came to.
 */
async function play(does: Readonly<Record<string, string>>, awayFrom?: string, finds = false): Promise<string> {
  const names = Object.keys(does);
  const results = new Map<unknown, string>();
  const plan = {
    order: names.filter((name) => name !== awayFrom),
    ...(awayFrom === undefined ? {} : { awayFrom }),
    finds,
    refused: (region: string, ms?: number) => events.push(`${region} rests${ms === undefined ? '' : ` ${ms}`}`),
    notHere: (region: string, ms?: number) => events.push(`${region} lacks${ms === undefined ? '' : ` ${ms}`}`),
    unreachable: (region: string) => events.push(`${region} is out`),
    served: (region: string) => events.push(`${region} serves`),
  };
  const ask = async (region: string, isHome: boolean): Promise<UpstreamAnswer> => {
    events.push(`${region}${isHome ? '!' : '?'}`);
    const what = does[region] ?? '';
    const failure = failures[what];
    if (failure !== undefined) {
      results.set(failure, region);
      throw failure;
    }
    const { status = 0, headers = {} } = answers[what] ?? {};
    const body = createAnswerBody(() => {});
    const answer = { status, headers, body, read: body.read, abort: () => events.push(`${region} dropped`) };
    results.set(answer, region);
    return answer;
  };
  const result = await sendAcross(plan, ask, () => 0).catch((error: unknown) => error);
  return results.get(result) ?? String(result);
}

describe('a region that cannot have worked is followed by the next', () => {
  it.each(['throttled', 'unavailable', 'not ready'])('%s', async (what) => {
    expect(await play({ a: what, b: 'served' })).toBe('b');
    expect(events).toStrictEqual(['a!', 'a rests', 'b?', 'b serves', 'a dropped']);
  });

  it('without a connection', async () => {
    expect(await play({ a: 'not connected', b: 'served' })).toBe('b');
    expect(events).toStrictEqual(['a!', 'a is out', 'b?', 'b serves']);
  });

  it('and by the one after that', async () => {
    expect(await play({ a: 'throttled for 7 s', b: 'not connected', c: 'served' })).toBe('c');
    expect(events).toStrictEqual(['a!', 'a rests 7000', 'b?', 'b is out', 'c?', 'c serves', 'a dropped']);
  });
});

describe('one that may have worked is the last', () => {
  it.each(['served', 'internal', 'too slow', 'model failed', 'broken', 'no headers', 'gone', 'no keys'])(
    '%s',
    async (what) => {
      expect(await play({ a: what, b: 'served' })).toBe('a');
      expect(events.slice(0, 1)).toStrictEqual(['a!']);
      expect(events).not.toContain('b?');
    },
  );

  it.each(['internal', 'too slow', 'model failed', 'broken', 'no headers', 'gone', 'no keys'])(
    '%s, after another: its outcome is the caller’s, who must not repeat what may be paid',
    async (what) => {
      expect(await play({ a: 'throttled', b: what, c: 'served' })).toBe('b');
      expect(events).toStrictEqual(['a!', 'a rests', 'b?', 'a dropped']);
    },
  );
});

describe('the first outcome is the caller’s when no other region works', () => {
  it.each<[string, string, string[]]>([
    ['throttled', 'throttled', ['a!', 'a rests', 'b?', 'b rests', 'b dropped']],
    ['throttled', 'invalid', ['a!', 'a rests', 'b?', 'b lacks', 'b dropped']],
    ['throttled', 'denied', ['a!', 'a rests', 'b?', 'b lacks', 'b dropped']],
    ['throttled', 'invalid for 7 s', ['a!', 'a rests', 'b?', 'b lacks 7000', 'b dropped']],
    ['throttled', 'keys refused', ['a!', 'a rests', 'b?', 'b rests']],
    ['throttled', 'not connected', ['a!', 'a rests', 'b?', 'b is out']],
    ['not connected', 'invalid', ['a!', 'a is out', 'b?', 'b lacks', 'b dropped']],
  ])('%s, %s', async (one, other, expected) => {
    expect(await play({ a: one, b: other })).toBe('a');
    expect(events).toStrictEqual(expected);
  });

  it('but a third may', async () => {
    expect(await play({ a: 'throttled', b: 'invalid', c: 'served' })).toBe('c');
    expect(events).toStrictEqual(['a!', 'a rests', 'b?', 'b lacks', 'b dropped', 'c?', 'c serves', 'a dropped']);
  });
});

it.each(['invalid', 'denied', 'keys refused'])('%s at home is the answer', async (what) => {
  expect(await play({ a: what, b: 'served' })).toBe('a');
  expect(events).toStrictEqual(['a!']);
});

describe('while the home rests', () => {
  it('another takes its place', async () => {
    expect(await play({ home: 'throttled', b: 'served', c: 'served' }, 'home')).toBe('b');
    expect(events).toStrictEqual(['b?', 'b serves']);
  });

  it.each([
    ['invalid', 'b lacks'],
    ['denied', 'b lacks'],
    // The keys are the account's: a caller can do nothing for or against them.
    ['keys refused', 'b rests'],
  ])('%s: the home is asked, which knows', async (what, learnt) => {
    expect(await play({ home: 'invalid', b: what }, 'home')).toBe('home');
    expect(events.filter((event) => !event.endsWith('dropped'))).toStrictEqual(['b?', learnt, 'home!']);
  });

  it('which may refuse', async () => {
    expect(await play({ home: 'throttled', b: 'invalid', c: 'denied' }, 'home')).toBe('home');
    expect(events.at(-1)).toBe('home rests');
  });

  it('but is left alone when another refuses, too', async () => {
    expect(await play({ home: 'served', b: 'invalid', c: 'throttled' }, 'home')).toBe('c');
    expect(events).not.toContain('home!');
  });
});

describe('what one region keeps', () => {
  it.each<[string, Record<string, string>, string, string[]]>([
    ['is found', { a: 'unknown', b: 'served' }, 'b', ['a!', 'b?', 'b serves', 'a dropped']],
    ['or nowhere', { a: 'unknown', b: 'unknown' }, 'a', ['a!', 'b?', 'b dropped']],
    ['or may be where nobody can look', { a: 'throttled', b: 'unknown' }, 'a', ['a!', 'a rests', 'b?', 'b dropped']],
    ['or there', { a: 'unknown', b: 'not connected', c: 'unknown' }, 'a', ['a!', 'b?', 'b is out', 'c?', 'c dropped']],
    ['another refusal is an answer', { a: 'denied', b: 'served' }, 'a', ['a!']],
  ])('%s', async (_name, does, from, expected) => {
    expect(await play(does, undefined, true)).toBe(from);
    expect(events).toStrictEqual(expected);
  });

  it('a model that a region does not know is none of that', async () => {
    expect(await play({ a: 'unknown', b: 'served' })).toBe('a');
  });
});
