import { describe, expect, it } from 'vitest';

import { collectLines, describeError, eventLine, LOG_EVENTS } from '../../src/log.ts';

it('lines that come together are written together, in order and without being asked', async () => {
  const written = Promise.withResolvers<string>();
  const lines = collectLines(written.resolve);
  lines.add('one');
  lines.add('two');
  expect(await written.promise).toBe('one\ntwo');
});

it('flush writes what waits, once, and nothing when nothing waits', () => {
  const writes: string[] = [];
  const lines = collectLines((text) => writes.push(text));
  lines.flush();
  lines.add('one');
  lines.flush();
  lines.flush();
  lines.add('two');
  lines.flush();
  expect(writes).toStrictEqual(['one', 'two']);
});

it('much is written at once', () => {
  const writes: string[] = [];
  const lines = collectLines((text) => writes.push(text));
  const line = 'x'.repeat(40_000);
  lines.add(line);
  expect(writes).toStrictEqual([]);
  lines.add(line);
  expect(writes).toStrictEqual([`${line}\n${line}`]);
});

it('an event is one line that begins with its name and leaves out what is not known', () => {
  const [event] = LOG_EVENTS;
  expect(eventLine(event, { stale: false, requestId: undefined, cause: 'a\nb' })).toBe(
    `{"event":"${event}","stale":false,"cause":"a\\nb"}`,
  );
});

describe('describeError', () => {
  const coded = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  it.each<[string, unknown, string]>([
    ['an error', new TypeError('bad'), 'TypeError: bad'],
    ['a code', coded, 'Error ECONNREFUSED: connect'],
    ['causes', new Error('outer', { cause: coded }), 'Error: outer <- Error ECONNREFUSED: connect'],
    ['a thrown text, which could be anything', 'prompt', 'string'],
    ['a cause that is no error', new Error('outer', { cause: { prompt: 1 } }), 'Error: outer <- object'],
    ['null as a cause', new Error('outer', { cause: null }), 'Error: outer'],
    ['nothing', undefined, ''],
    ['several lines', new Error('a\r\n  b\tc'), 'Error: a b c'],
    ['a number as code', Object.assign(new Error('x'), { code: 5 }), 'Error: x'],
  ])('%s', (_name, error, expected) => {
    expect(describeError(error)).toBe(expected);
  });

  it('ends for an error that is its own cause', () => {
    const error = new Error('again');
    error.cause = error;
    expect(describeError(error)).toBe(Array.from({ length: 5 }, () => 'Error: again').join(' <- '));
  });
});
