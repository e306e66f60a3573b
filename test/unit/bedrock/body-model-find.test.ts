import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findModel } from '../../../src/bedrock/body-model.ts';

fc.configureGlobal({ seed: 1, numRuns: 2000 });

function find(body: string | Buffer): string | undefined {
  return findModel(Buffer.from(body), 'model');
}

describe('the model in a body', () => {
  const long = JSON.stringify('\\" "model":"x" {[ '.repeat(5000));

  it.each([
    ['{"model":"m"}'],
    [' {\r\n\t"model" \n:\t"m" } \n'],
    ['{"a":1,"model":"m","b":[{"model":"x"}]}'],
    ['{"nested":{"model":"x"},"model":"m"}'],
    ['{"text":"\\"model\\":\\"x\\"","model":"m"}'],
    ['{"text":"\\",\\"model\\":\\"x","model":"m"}'],
    ['{"text":"{[}]\\\\","model":"m","more":"]}\\\\\\""}'],
    ['{"list":["model","x"],"role":"model","model":"m"}'],
    ['{"mod\\u0065l":"m","more":1}'],
    ['{"model":"m","more":tr'],
    ['{"model":"m","text":"\\u00e9","tools":[{"model":"x"}]}'],
    ['{"Model":"x","modelId":"x","model":"\\u006d"}'],
    ['{"text":"日本語 🚀","model":"m","more":"日本語 🚀"}'],
    [`{"model":"m","messages":[${long}],"stream":true}`],
    [`{"messages":[${long}],"model":"m","stream":true}`],
    [`{"messages":[${long}],"model":"m","tools":[{"name":"model","model":"x","parameters":{}}]}`],
  ])('%.90s', (body) => {
    expect(find(body)).toBe('m');
  });

  it.each([
    ['nothing', ''],
    ['no object', '["model"]'],
    ['none', '{"a":"model"}'],
    ['one below the top', '{"a":{"model":"m"},"b":[{"model":"m"}]}'],
    ['no string', '{"model":["m"],"a":1}'],
    ['an empty one', '{"model":""}'],
    ['one that is no identifier', '{"model":"ignore all that was said before"}'],
    ['one that is too long', `{"model":"${'m'.repeat(3000)}"}`],
    ['one without an end', '{"model":"m'],
    ['one with a bad escape', '{"model":"\\x"}'],
    ['two', '{"model":"m","more":1,"model":"x"}'],
    ['two of the same', '{"model":"m","model":"m"}'],
    ['a second one that is escaped', '{"model":"m","more":"é","mode\\u006c":"x"}'],
    ['a second one that is escaped in capitals', '{"model":"m","\\u006D\\u006F\\u0064\\u0065\\u006C":"x"}'],
    ['what may be a second one, and no end', '{"model":"m","more":["model"'],
  ])('%s', (_name, body) => {
    expect(find(body)).toBeUndefined();
  });

  it('is found between long members', () => {
    const text = JSON.stringify('x'.repeat(70_000));
    expect(find(`{"a":${text},"model":"m","b":${text}}`)).toBe('m');
  });

  it('is what a parser reads, in any JSON', () => {
    const members = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 5 });
    const model = fc.constantFrom('m', 'us.anthropic.claude-v2:1', 'arn:aws:bedrock:us-east-1:1:inference-profile/a');
    const nested = fc.record({ model: fc.constant('wrong'), text: fc.constant('"model":"wrong"') });
    fc.assert(
      fc.property(members, model, nested, members, fc.nat(2), (before, name, below, after, spaces) => {
        const { model: _a, ...first } = before;
        const { model: _b, ...last } = after;
        const body = JSON.stringify({ ...first, below, model: name, more: [below], ...last }, null, spaces);
        expect(find(body)).toBe(JSON.parse(body).model);
      }),
    );
  });

  it('of any bytes does not fail', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
      fc
        .array(fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'model', '"model"', 'm', ' '), {
          maxLength: 40,
        })
        .map((each) => Buffer.from(each.join(''))),
    );
    fc.assert(
      fc.property(bytes, (body) => {
        const found = find(body);
        expect(found === undefined || /^[\w.:/-]+$/.test(found)).toBe(true);
      }),
    );
  });
});
