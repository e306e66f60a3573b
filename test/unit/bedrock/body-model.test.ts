import { describe, expect, it } from 'vitest';

import { type NamedModels, readModels } from '../../../src/bedrock/body-model.ts';

function read(body: string | Buffer, member: 'model' | 'modelId' = 'model'): string | undefined {
  return readModels(Buffer.from(body), member).model;
}

describe('readModels', () => {
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
    ['{"a":{"Model":"x"},"model":"m"}', 'm'],
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
    ['{"Model":"x","model":"m"}'],
    ['{"model":"m","MOD\\u0045L":"x"}'],
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

  it('takes any number of members of this name where they are none', () => {
    const devices = Array.from({ length: 2000 }, (_, index) => `{"model":"m${index}"}`).join();
    const body = `{"messages":[{"content":[{"json":[${devices}]}]}],"tools":[{"model":"b"}],"model":"a"}`;
    expect(readModels(Buffer.from(body), 'model')).toStrictEqual({ model: 'a', others: ['b'] });
    expect(() => readModels(Buffer.from(`{"tools":[${devices}],"model":"a"}`), 'model')).toThrow('JSON object');
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

describe('models beside the one that is called', () => {
  function others(body: string, member?: 'model' | 'modelId'): NamedModels['others'] {
    return readModels(Buffer.from(body), member).others;
  }

  it.each<[string, string[]]>([
    ['{"fallbacks":[{"model":"a"},{"model":"b","betas":["model"]}]}', ['a', 'b']],
    ['{"tools":[{"type":"advisor_20260301","name":"advisor","model":"a"}]}', ['a']],
    ['{"tools":[{"type":"image_generation","model":"a"},{"name":"b"}],"fallbacks":[{"model":"b"}]}', ['a', 'b']],
    ['{"Tools":[{"MODEL":"a"}],"FALL\\u0062ACKS":[{"mod\\u0045l":"b"}]}', ['a', 'b']],
    ['{"tools":[{"model":"a","model":"b"}],"tools":[{"model":"c"}]}', ['a', 'b', 'c']],
    ['{"tools":{"model":"a"}}', ['a']],
    ['{"additionalModelRequestFields":{"fallbacks":[{"model":"a"}],"tools":[{"model":"b"}]}}', ['a', 'b']],
    ['\ufeff{"fallbacks":[{"model":"a"}]}', ['a']],
    ['{}', []],
    ['{"tools":[{"name":"cars","input_schema":{"type":"object","properties":{"model":{"type":"string"}}}}]}', []],
    ['{"tools":[{"input_schema":{"properties":{"model":{"const":"Tesla"}},"default":{"model":"Tesla"}}}]}', []],
    ['{"tools":[{"function":{"parameters":{"required":["model"]}}}]}', []],
    ['{"messages":[{"content":[{"type":"tool_use","input":{"model":"Tesla"}}]}],"tools":[]}', []],
    ['{"messages":[{"model":"a"}],"metadata":{"fallbacks":[{"model":"a"}]}}', []],
  ])('%s', (body, models) => {
    expect(others(body)).toStrictEqual(models);
  });

  it('are told beside it', () => {
    expect(readModels(Buffer.from('{"tools":[{"model":"a"}],"model":"m"}'), 'model')).toStrictEqual({
      model: 'm',
      others: ['a'],
    });
  });

  it.each([
    ['{"tools":[{"model":1}]}'],
    ['{"fallbacks":[{"model":["a"]}]}'],
    [`{"fallbacks":[{"model":"${'a'.repeat(20_000)}"}]}`],
    ['{"fallbacks":[{"model":"a"}]'],
    ['{"fallbacks":[]}{"fallbacks":[{"model":"a"}]}'],
    ['[{"fallbacks":[{"model":"a"}]}]'],
    [''],
  ])('refuses %.60s', (body) => {
    expect(() => others(body)).toThrow(expect.objectContaining({ failure: 'invalidRequest' }));
  });
});
