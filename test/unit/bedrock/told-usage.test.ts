import { describe, expect, it } from 'vitest';

import { changeMembers } from '../../../src/bedrock/body-members.ts';
import { MANTLE } from '../../../src/bedrock/mantle.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { Operation } from '../../../src/bedrock/service.ts';
import { usageChanges } from '../../../src/bedrock/told-usage.ts';

function rowOf(operations: readonly Operation[], name: string): Operation {
  const row = operations.find((operation) => operation.name === name);
  if (row === undefined) throw new Error(name);
  return row;
}
const chat = rowOf(RUNTIME.operations, 'ChatCompletions');
const background = rowOf(MANTLE.operations, 'Responses');

/** The body as it is sent, and whether it asks for what its caller has not. */
function sent(operation: Operation, body: string, budgets: 'enforced' | 'observed' = 'enforced'): [string, boolean] {
  let unasked = false;
  const onUnasked = () => {
    unasked = true;
  };
  const pieces = changeMembers(Buffer.from(body), usageChanges(operation, { budgets, onUnasked }));
  return [Buffer.concat(pieces).toString(), unasked];
}

describe('a stream of chat completions', () => {
  it.each([
    ['{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    [
      '{ "stream" : true , "stream_options" : null }',
      '{ "stream" : true , "stream_options" : {"include_usage":true} }',
    ],
    ['{"stream_options":{},"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'],
    [
      '{"stream_options":{"x":1e400},"str\\u0065am":true}',
      '{"stream_options":{"include_usage":true,"x":1e400},"str\\u0065am":true}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage": false}}',
      '{"stream":true,"stream_options":{"include_usage": true}}',
    ],
    // What some parser may take for true.
    ['{"stream":1}', '{"stream_options":{"include_usage":true},"stream":1}'],
    ['{"stream":"true"}', '{"stream_options":{"include_usage":true},"stream":"true"}'],
  ])('is asked for its usage: %s', (body, expected) => {
    expect(sent(chat, body)).toStrictEqual([expected, true]);
    expect(sent(chat, body, 'observed')).toStrictEqual([expected, true]);
  });

  it.each([
    '{}',
    '{"stream":false}',
    '{"stream":null,"stream_options":{"include_usage":false}}',
    '{"stream":true,"stream_options":{"include_usage":true}}',
    '{"x":{"stream":true}}',
  ])('stays as it is: %s', (body) => {
    expect(sent(chat, body)).toStrictEqual([body, false]);
  });

  it.each([
    '[]',
    '',
    '{"stream":true} {}',
    '{"stream":false,"stream":true}',
    '{"stream":true,"Stream_Options":{}}',
    '{"stream":true,"stream_options":1}',
    '{"stream":true,"stream_options":{"include_usage":true,"include_usage":false}}',
    `{"stream":true,"stream_options":{"x":"${'x'.repeat(65_536)}"}}`,
  ])('that can be read in two ways is refused: %.60s', (body) => {
    expect(() => sent(chat, body)).toThrow(expect.objectContaining({ failure: 'invalidRequest' }));
  });
});

describe('a response in the background', () => {
  it.each(['{"background":true}', '{"background":1}', '{"background":"false"}'])('is refused: %s', (body) => {
    expect(() => sent(background, body)).toThrow(expect.objectContaining({ failure: 'accessDenied' }));
    expect(sent(background, body, 'observed')).toStrictEqual([body, false]);
  });

  it.each(['{}', '{"background":false}', '{"background": null, "stream": true}'])('is not meant by %s', (body) => {
    expect(sent(background, body)).toStrictEqual([body, false]);
  });
});

it('other operations tell their tokens by themselves', () => {
  const rows = [...RUNTIME.operations, ...MANTLE.operations].filter(({ usage }) => usage !== undefined);
  expect(rows.map(({ template }) => template)).toStrictEqual([
    '/openai/v1/chat/completions',
    '/v1/chat/completions',
    '/v1/responses',
    '/openai/v1/chat/completions',
    '/openai/v1/responses',
  ]);
  const counting = { budgets: 'enforced', onUnasked: () => {} } as const;
  expect(usageChanges(rowOf(RUNTIME.operations, 'Converse'), counting)).toStrictEqual([]);
});
