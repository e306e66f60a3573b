import { expect, it } from 'vitest';

import { withoutUsageEvent } from '../../../src/usage/unasked-usage.ts';

const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
const TEXT = event({ choices: [{ delta: { content: '"choices":[] "usage":{' } }], usage: null });
const END = event({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null });
const USAGE = event({ choices: [], usage: { prompt_tokens: 1 } });
const DONE = 'data: [DONE]\n\n';

function left(...pieces: string[]): string {
  return Buffer.concat(withoutUsageEvent(pieces.map((piece) => Buffer.from(piece)))).toString();
}

it.each([
  ['alone', [USAGE], ''],
  ['between others', [TEXT + END + USAGE + DONE], TEXT + END + DONE],
  ['in pieces', [USAGE.slice(0, 20), USAGE.slice(20, 30), USAGE.slice(30) + DONE], DONE],
  ['of other line breaks', [`${USAGE.replaceAll('\n', '\r\n')}${DONE}`], DONE],
  ['of white space', ['data: { "choices" : [ ] ,\ndata: "usage" : { "a": 1 } }\n\n'], ''],
])('the event with nothing but usage is left out: %s', (_name, pieces, expected) => {
  expect(left(...pieces)).toBe(expected);
});

it.each([
  TEXT,
  TEXT + END + DONE,
  event({ choices: [], usage: null }),
  event({ choices: [{ delta: {} }], usage: { prompt_tokens: 1 }, more: { choices: [] } }),
  event({ choices: [], prompt_filter_results: [] }),
  event({ error: { message: '"choices":[] "usage":{' } }),
  'data: {"choices":[],"usage":{\n\n',
  '{"choices":[],"usage":{}}',
  ': "choices":[] "usage":{}\n\n',
  '',
])('all else stays: %s', (text) => {
  const pieces = [Buffer.from(text)];
  expect(Buffer.concat(withoutUsageEvent(pieces)).toString()).toBe(text);
});
