import { describe, expect, it } from 'vitest';

import type { EventDialect } from '../../../src/streams/failure-event.ts';
import type { Framer } from '../../../src/streams/framer.ts';
import { createEventFramer, dataOf, eventsIn } from '../../../src/streams/server-sent-events.ts';
import { ProxyError } from '../../../src/errors.ts';
import { cut } from '../../support/usage-feed.ts';

const EVENTS = [
  'event: message_start\ndata: {"a":1}\n\n',
  ': comment\n\n',
  'data: line 1\ndata: line 2\n\n',
  'data: 日本 🚀\n\n',
  'data\n\n\n\n',
  'id: 5\nretry: 10\ndata: [DONE]\n\n',
];
const TEXT = EVENTS.join('');
const STREAMS: [string, string][] = [
  ['LF', TEXT],
  ['CR LF', TEXT.replaceAll('\n', '\r\n')],
  ['CR', TEXT.replaceAll('\n', '\r')],
  ['all three', EVENTS.map((text, index) => text.replaceAll('\n', ['\n', '\r\n', '\r'][index % 3] ?? '')).join('')],
  ['LF, then CR LF', TEXT.replaceAll('\n\n', '\n\r\n')],
  ['CR LF, then LF', TEXT.replaceAll('\n\n', '\r\n\n')],
  ['CR LF, then CR', TEXT.replaceAll('\n\n', '\r\n\r')],
];

/**
 * Offsets behind an empty line, after which bytes of our own may follow (HTML, section 9.2.5). Between the two halves
 * of the CR LF of an empty line is such a place as well: a lone CR ends a line.
 */
function endsOf(bytes: Buffer): Set<number> {
  const ends = new Set<number>();
  let lineIsEmpty = false;
  let previous = 0;
  for (const [at, byte] of bytes.entries()) {
    if (byte === 0x0a && previous === 0x0d) {
      if (ends.has(at)) ends.add(at + 1);
    } else if (byte === 0x0a || byte === 0x0d) {
      if (lineIsEmpty) ends.add(at + 1);
      lineIsEmpty = true;
    } else {
      lineIsEmpty = false;
    }
    previous = byte;
  }
  return ends;
}

/** Feeds the pieces and checks after each that what came out ends behind an event and that no whole event is kept. */
function feed(framer: Framer, pieces: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(pieces);
  const ends = endsOf(whole);
  const out: Buffer[] = [];
  let fed = 0;
  let length = 0;
  for (const piece of pieces) {
    fed += piece.length;
    for (const bytes of framer.push(piece)) {
      out.push(bytes);
      length += bytes.length;
    }
    const due = Math.max(0, ...[...ends].filter((end) => end <= fed));
    // The LF of a cut CR LF, and lines that are empty anyway, may stay behind: they hold back no event.
    const late = whole.subarray(length, due);
    const cleanEnd = length === 0 || ends.has(length);
    if (!cleanEnd || !/^[\r\n]*$/.test(late.toString('latin1')) || framer.pending !== fed - length) {
      throw new Error(`after ${fed} bytes: ${length} out, ${due} due, ${framer.pending} pending`);
    }
  }
  return Buffer.concat([...out, ...framer.end()]);
}

/** The data of every event that a client dispatches; an event that the stream's end cuts off is discarded. */
function dispatched(stream: Buffer): string[] {
  const events: string[] = [];
  let data: string[] = [];
  for (const line of stream
    .toString('utf8')
    .split(/\r\n|\n|\r/)
    .slice(0, -1)) {
    const [, value] = /^data(?:: ?(.*))?$/.exec(line) ?? [];
    if (line === '') {
      if (data.length > 0) events.push(data.join('\n'));
      data = [];
    } else if (line.startsWith('data')) {
      data.push(value ?? '');
    }
  }
  return events;
}

describe.each(STREAMS)('lines that end with %s', (_name, text) => {
  const stream = Buffer.from(text);

  it('in one chunk', () => {
    expect(feed(createEventFramer(undefined), [stream]).equals(stream)).toBe(true);
  });

  it('in two, at every offset', () => {
    for (let at = 0; at <= stream.length; at += 1) {
      const parts = [stream.subarray(0, at), stream.subarray(at)];
      expect(feed(createEventFramer(undefined), parts).equals(stream)).toBe(true);
    }
  });

  it.each(Array.from({ length: 17 }, (_, index) => index + 1))('in pieces of %i', (size) => {
    expect(feed(createEventFramer(undefined), cut(stream, size)).equals(stream)).toBe(true);
  });

  it('a failure after any byte is an event of its own, behind the whole ones', () => {
    for (let at = 1; at <= stream.length; at += 1) {
      const framer = createEventFramer('openai');
      const sent = Buffer.concat(framer.push(stream.subarray(0, at)));
      const failure = framer.failure(new ProxyError('upstreamBroken', 'Broken.')).message;
      expect(dispatched(Buffer.concat([sent, failure]))).toStrictEqual([...dispatched(sent), ...dispatched(failure)]);
    }
  });
});

it.each([
  ['data: 1\n\n', '1'],
  ['data:1\r\n\r\n', '1'],
  ['data:  1 \r\r', ' 1 '],
  ['data:\t1\n\n', '\t1'],
  ['event: e\ndata: {\r\n: comment\rdata:}\ndata\n\n', '{\n}\n'],
  ['data: \u2028\u0085\n\n', '\u2028\u0085'],
  ['data:\n\n', ''],
  ['database: 1\n data: 2\n\n', ''],
  ['', ''],
])('what an event carries: %j', (event, data) => {
  expect(dataOf(event)).toBe(data);
});

it('what has no end comes last among the events of a block', () => {
  expect(eventsIn(Buffer.from('data: 1\r\n\ndata: 2\n')).map(String)).toStrictEqual(['data: 1\r\n\n', 'data: 2\n']);
  expect(eventsIn(Buffer.alloc(0))).toStrictEqual([]);
});

describe('the end of the stream', () => {
  it('returns an event without its empty line, once', () => {
    const framer = createEventFramer('anthropic');
    expect(Buffer.concat(framer.push(Buffer.from('data: 1\n\ndata: 2\n'))).toString()).toBe('data: 1\n\n');
    expect(Buffer.concat(framer.push(Buffer.from('data: 3'))).length).toBe(0);
    expect(framer.pending).toBe(15);
    expect(Buffer.concat(framer.end()).toString()).toBe('data: 2\ndata: 3');
    expect(framer.pending).toBe(0);
    expect(framer.end()).toStrictEqual([]);
  });

  it('without any byte', () => {
    expect(createEventFramer(undefined).end()).toStrictEqual([]);
  });
});

describe('an event without an end', () => {
  const chunk = Buffer.alloc(8 * 1024 * 1024, 'x');

  it('is damage above 24 MiB', () => {
    const framer = createEventFramer('openai');
    for (let count = 0; count < 3; count += 1) framer.push(chunk);
    expect(framer.damage).toBeUndefined();
    framer.push(Buffer.from('x'));
    expect(framer.damage).toMatchObject({ failure: 'upstreamBroken' });
  });

  it('is none when the end comes at last', () => {
    const framer = createEventFramer('openai');
    for (let count = 0; count < 3; count += 1) framer.push(chunk);
    const length = framer.push(Buffer.from('\n\n')).reduce((sum, bytes) => sum + bytes.length, 0);
    expect(length).toBe(3 * chunk.length + 2);
    expect(framer.damage).toBeUndefined();
  });
});

describe('a failure in the dialect of the route', () => {
  const error = new ProxyError('modelTimeout', 'Silent for\r\n\r\ntoo "long".');
  const told = { message: error.message, type: 'server_error', code: 'ModelTimeoutException', param: null };

  function failureOf(dialect: EventDialect | undefined, ...before: string[]) {
    const framer = createEventFramer(dialect);
    for (const piece of before) framer.push(Buffer.from(piece));
    const { message, breaks } = framer.failure(error);
    const [, name, data = ''] = /^(?:event: (\w+)\n)?data: (.*)\n\n$/.exec(message.toString()) ?? [];
    return { name, data: JSON.parse(data), breaks };
  }

  it.each([['openai'], [undefined]] as const)('%s: and a broken connection', (dialect) => {
    expect(failureOf(dialect)).toStrictEqual({ name: undefined, data: { error: told }, breaks: true });
  });

  it('of a program that may speak any: an event that no other client takes for its own, and a broken connection', () => {
    const data = { error: error.message, type: 'ModelTimeoutException' };
    expect(failureOf('unknown')).toStrictEqual({ name: 'error', data, breaks: true });
  });

  it('anthropic', () => {
    const data = { type: 'error', error: { type: 'api_error', message: error.message } };
    expect(failureOf('anthropic')).toStrictEqual({ name: 'error', data, breaks: false });
  });

  it('responses, in both forms', () => {
    const { type: _kind, ...form } = told;
    const data = { type: 'error', ...form, sequence_number: 0, error: told };
    expect(failureOf('responses')).toStrictEqual({ name: 'error', data, breaks: false });
  });

  const one = 'event: a\ndata: {"type":"a","sequence_number":1,"x":{}}\n\n';
  const twelve = 'data: {"type":"b","delta":"\\"sequence_number\\":99","sequence_number": 12}\n\n';
  it.each<[string, string[], number]>([
    ['whole events', [one], 2],
    ['several in a piece', [one + twelve], 13],
    ['a cut event does not count', [one, twelve.slice(0, -1)], 2],
    ['a cut event that came at last', [one + twelve.slice(0, 60), twelve.slice(60)], 13],
    ['an event without a number', [twelve, ': ping\n\n'], 13],
    ['no number at all', ['data: {"sequence_number":null}\n\n'], 0],
  ])('the number of the next event: %s', (_name, before, expected) => {
    expect(failureOf('responses', ...before).data.sequence_number).toBe(expected);
  });

  it('the number of the next event, wherever the stream is cut', () => {
    for (let at = 0; at <= twelve.length; at += 1) {
      const { data } = failureOf('responses', one + twelve.slice(0, at), twelve.slice(at));
      expect(data.sequence_number, `cut at ${at}`).toBe(13);
    }
  });
});
