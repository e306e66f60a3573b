import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { grammarOf } from '../../../src/json/grammar.ts';
import { readObject } from '../../../src/json/object.ts';
import { hostileObject } from '../../support/hostile-json.ts';
import { createRandom } from '../../fuzz/random.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

/** The texts of the values of the members named `x`, or undefined when there is no valid object. */
function valuesOf(text: string | Buffer, from = 0): string[] | undefined {
  const json = Buffer.from(text);
  return readObject(json, 'x', { from })?.values.map(({ start, end }) => json.toString('utf8', start, end));
}

describe('the members of a name at the top level', () => {
  it.each<[string, string[]]>([
    ['{}', []],
    [' \t\r\n{ \n} ', []],
    ['{"a":1}', []],
    ['{"x":1}', ['1']],
    ['{ "x" \n:\t"1" , "a":2}', ['"1"']],
    ['{"a":{"x":1},"b":[{"x":2}],"x":3}', ['3']],
    ['{"x":{"x":{"x":1}}}', ['{"x":{"x":1}}']],
    ['{"x":{}}', ['{}']],
    ['{"x":[] ,"a":{}}', ['[]']],
    ['{"x":[[],[{}],{"a":[]}]}', ['[[],[{}],{"a":[]}]']],
    ['{"x":1,"x":2}', ['1', '2']],
    ['{"\\u0078":true}', ['true']],
    ['{"\\u0078":null,"x":false}', ['null', 'false']],
    ['{"X":1,"xx":2,"":3,"\\\\x":4,"x ":5}', []],
    ['{"a":"x","b":["x"]}', []],
    ['{"a":"\\",\\"x\\":1","x":"}"}', ['"}"']],
    ['{"a":"{[","x":"]}"}', ['"]}"']],
    ['{"x":-0.5e+10}', ['-0.5e+10']],
    ['{"x":123456789012345678901234567890}', ['123456789012345678901234567890']],
    ['{"日本":"🚀","x":"é"}', ['"é"']],
    ['{"x":1}{"x":2}', ['1']],
    ['{"x":1} and more', ['1']],
  ])('%s', (text, values) => {
    expect(valuesOf(text)).toStrictEqual(values);
  });

  it('from an offset on', () => {
    expect(valuesOf('\ufeff{"x":1}', 3)).toStrictEqual(['1']);
    expect(valuesOf('\ufeff{"x":1}')).toBeUndefined();
  });

  it('tells where the object ends, and whether it is empty', () => {
    expect(readObject(Buffer.from(' { } x'), 'x')).toMatchObject({ start: 1, end: 4, empty: true });
    expect(readObject(Buffer.from('{"a":{}}'), 'x')).toMatchObject({ start: 0, end: 8, empty: false });
  });

  it('of a longer name, however it is escaped', () => {
    const escaped = Array.from(
      'requestMetadata',
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    for (const name of [escaped.join(''), `${escaped.slice(0, 7).join('')}Metadata`, 'requestMetadat\\u0061']) {
      expect(readObject(Buffer.from(`{"${name}":1}`), 'requestMetadata')?.values).toHaveLength(1);
    }
  });
});

it('a name of any length that an operation has', () => {
  for (const name of ['a', 'model', 'modelId', 'requestMetadata']) {
    for (const other of [name.slice(1), `${name}a`, `${name.slice(0, -1)}\\u0030`, name.toUpperCase()]) {
      const json = Buffer.from(`{"${other}":1,"b":{"${name}":2},"${name}":3,"${other}":4}`);
      const values = readObject(json, name)?.values.map(({ start, end }) => json.toString('utf8', start, end));
      expect(values).toStrictEqual(['3']);
    }
  }
  expect(() => grammarOf({ top: ['a'.repeat(200)], inner: [], anyCase: false })).toThrow(RangeError);
});

it('stops behind a value that is enough, whatever follows', () => {
  const json = Buffer.from('{"a":{},"x":1,"b":tr');
  expect(readObject(json, 'x')).toBeUndefined();
  expect(readObject(json, 'x', { enough: () => true })).toStrictEqual({
    start: 0,
    end: 13,
    empty: false,
    otherCase: false,
    values: [{ start: 12, end: 13 }],
  });
});

describe('no object', () => {
  it.each([
    '',
    ' ',
    'null',
    '1',
    '"{}"',
    '[{}]',
    '{',
    '}',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,"a":1}',
    '{"a" 1}',
    '{"a"::1}',
    '{"a":1 "b":2}',
    '{a:1}',
    "{'a':1}",
    '{1:1}',
    '{"a":}',
    '{"a":[1,]}',
    '{"a":[,1]}',
    '{"a":[1 2]}',
    '{"a":[1}',
    '{"a":[1}]',
    '{"a":{"b":1]}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":-}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":1e+}',
    '{"a":0x1}',
    '{"a":1_0}',
    '{"a":NaN}',
    '{"a":tru}',
    '{"a":truer}',
    '{"a":True}',
    '{"a":"b}',
    '{"a":"b\\"}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\\u123"}',
    '{"a":"\n"}',
    '{"a":"\u0000"}',
    '{"a":1/**/}',
    '\u00a0{}',
    '\u2028{}',
    '{"a":1\u00a0}',
  ])('%j', (text) => {
    expect(valuesOf(text)).toBeUndefined();
  });

  it.each([
    ['a lone byte', [0xff]],
    ['a cut character', [0xc3]],
    ['an overlong x', [0xc1, 0xb8]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
  ])('%s that is not UTF-8', (_name, bytes) => {
    const json = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(valuesOf(json)).toBeUndefined();
  });
});

describe('against JSON.parse', () => {
  const token = fc.constantFrom(
    ...'{}[]:,"\\ \n01-.eE',
    'u0078',
    '"x"',
    '"x":',
    'true',
    'null',
    '1',
    '{"x":',
    '[]',
    '"a":1,',
  );
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.nat({ max: 3 }), token)
    .map(
      ([json, at, removed, added]) =>
        json.slice(0, at % (json.length + 1)) + added + json.slice((at % (json.length + 1)) + removed),
    );
  const texts = fc.oneof(
    fc.json(),
    damaged,
    fc.array(token, { maxLength: 30 }).map((tokens) => `{${tokens.join('')}`),
  );

  it('they take the same texts for an object, and find the same last member', () => {
    let objects = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parse(text.isWellFormed() ? text : '');
        const json = Buffer.from(text.isWellFormed() ? text : '');
        const found = readObject(json, 'x', { enough: () => false });
        const whole = found !== undefined && /^[ \t\r\n]*$/.test(json.toString('utf8', found.end)) ? found : undefined;
        expect(whole !== undefined).toBe(parsed !== undefined);
        if (parsed === undefined || whole === undefined) return;
        objects += 1;
        expect(whole.empty).toBe(Object.keys(parsed).length === 0);
        const last = whole.values.at(-1);
        expect(last === undefined ? undefined : JSON.parse(json.toString('utf8', last.start, last.end))).toStrictEqual(
          Object.hasOwn(parsed, 'x') ? parsed['x'] : undefined,
        );
      }),
    );
    expect(objects).toBeGreaterThan(RUNS / 20);
  });

  function parse(text: string): Record<string, unknown> | undefined {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    } catch {
      // Not JSON.
    }
    return undefined;
  }
});

describe.each([
  ['arrays', '[', ']'],
  ['objects', '{"x":', '}'],
])('%s in each other', (_name, open, close) => {
  const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`;

  it('a thousand deep, and no deeper', () => {
    expect(valuesOf(`{"x":${nested(1000)},"y":2}`)).toStrictEqual([nested(1000)]);
    expect(valuesOf(`{"x":${nested(1001)},"y":2}`)).toBeUndefined();
    expect(valuesOf(`{"x":${open.repeat(1_000_000)}`)).toBeUndefined();
    expect(valuesOf(`{"x":${nested(1000).slice(0, -1)},"y":2}`)).toBeUndefined();
  });

  it('as deep again behind those that have ended, whole or not', () => {
    expect(valuesOf(`{"a":[${nested(900)},${nested(900)}],"x":${nested(1000)}}`)).toStrictEqual([nested(1000)]);
    expect(valuesOf(`{"a":{"b":[${nested(10)},{}]},"x":[]}`)).toStrictEqual(['[]']);
  });
});

describe('levels that open and close at random', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i', (seed) => {
    const random = createRandom(seed);
    const text = hostileObject(random, 20_000);
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(valuesOf(text)).toStrictEqual(['1']);
    const brackets = Array.from(text.matchAll(/[[\]{}]/g), ({ index }) => index).slice(1);
    for (let run = 0; run < 50; run += 1) {
      const at = random.pick(brackets);
      const damaged = text.slice(0, at) + random.pick(['', ']', '}', '[', '{']) + text.slice(at + 1);
      expect(valuesOf(damaged) !== undefined).toBe(damaged === text);
    }
  });
});
