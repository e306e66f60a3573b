import { describe, expect, it } from 'vitest';

import { readModel } from '../../../src/bedrock/body-model.ts';

function read(body: string | Buffer, member = 'model'): string {
  return readModel(Buffer.from(body), member);
}

describe('readModel', () => {
  it.each([
    ['{"model":"m"}', 'm'],
    [' {\r\n\t"model" \n:\t"m" } ', 'm'],
    ['{"a":1,"model":"m","b":[{"model":"x"}]}', 'm'],
    ['{"nested":{"model":"x"},"model":"m"}', 'm'],
    ['{"text":"\\"model\\":\\"x\\"","model":"m"}', 'm'],
    ['{"text":"{[}]\\\\","model":"m"}', 'm'],
    ['{"text":"\\",\\"model\\":\\"x","model":"m"}', 'm'],
    ['{"model":"m","text":"model"}', 'm'],
    ['{"list":["model","model"],"model":"m"}', 'm'],
    ['{"mod\\u0065l":"m"}', 'm'],
    ['{"model":"\\u006d\\/n"}', 'm/n'],
    ['{"Model":"x","model":"m"}', 'm'],
    ['{"modelId":"x","model":"m"}', 'm'],
    ['{"__proto__":{"model":"x"},"model":"m"}', 'm'],
    ['{"text":"日本語 🚀","model":"m"}', 'm'],
  ])('%s', (body, expected) => {
    expect(read(body)).toBe(expected);
  });

  it('reads the member it is asked for', () => {
    expect(read('{"model":"m","modelId":"i"}', 'modelId')).toBe('i');
  });

  it.each([
    [''],
    ['null'],
    ['"model"'],
    ['5'],
    ['[{"model":"m"}]'],
    ['{}'],
    ['{"model":1}'],
    ['{"model":null}'],
    ['{"model":""}'],
    ['{"model":["m"]}'],
    ['{"model":{"model":"m"}}'],
    ['{"nested":{"model":"m"}}'],
    ['{"Model":"m"}'],
    ['{"model":"m"'],
    ['{"model":"m"}x'],
    ["{'model':'m'}"],
    ['{"model":"a","model":"b"}'],
    ['{"model":"a","model":"a"}'],
    ['{"model":"a","mod\\u0065l":"b"}'],
    ['{"model":"a","x":{},"model":"b"}'],
    ['{"__proto__":{"model":"m"}}'],
    ['\ufeff{"model":"m"}'],
    ['{"model":"m'],
    ['{"a\\'],
  ])('refuses %s', (body) => {
    expect(() => read(body)).toThrow(expect.objectContaining({ failure: 'invalidRequest', status: 400 }));
  });

  it('counts names in bytes that are not UTF-8 as well', () => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3]), Buffer.from('","model":"m","model":"n"}')]);
    expect(() => read(body)).toThrow(expect.objectContaining({ failure: 'invalidRequest' }));
  });

  it('refuses UTF-16, which is JSON to others', () => {
    expect(() => read(Buffer.from('\ufeff{"model":"m"}', 'utf16le'))).toThrow(
      expect.objectContaining({ failure: 'invalidRequest' }),
    );
  });

  it('the refusal repeats nothing of the body and hides no cause that does', () => {
    const thrown = (() => {
      try {
        return read('{"prompt":"my secret, broken');
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(Error);
    expect(String(thrown)).not.toContain('secret');
    expect(thrown).not.toHaveProperty('cause');
  });
});
