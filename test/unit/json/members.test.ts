import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { findMembers } from '../../../src/json/members.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

function found(json: string, names = ['x']): (string | undefined)[] | undefined {
  return findMembers(Buffer.from(json), names)?.map(({ text }) => text);
}

describe('the members of a name at every level', () => {
  it.each<[string, (string | undefined)[]]>([
    ['{}', []],
    [' {"x":"1"}\n', ['1']],
    ['{"a":{"x":"1"},"b":[{"x":"2"},[{"x":"3"}]],"x":"4"}', ['1', '2', '3', '4']],
    ['{"x":{"x":"1"}}', [undefined, '1']],
    ['{"x":["1"],"a":{"x":null}}', [undefined, undefined]],
    ['{"x":"1","x":"2"}', ['1', '2']],
    ['{"a":{"\\u0078" :\t"\\u0031\\n"}}', ['1\n']],
    ['{"a":"x","b":["x",{"c":"x"}]}', []],
    ['{"a":"\\"x\\":\\"1\\"","X":"2","xx":"3"}', []],
    ['{"a":[],"b":{},"c":[[],{}],"x":"é"}', ['é']],
    ['{"x":""}', ['']],
    [`{"x":"${'a'.repeat(16_382)}"}`, ['a'.repeat(16_382)]],
    [`{"x":"${'a'.repeat(16_383)}"}`, [undefined]],
  ])('%s', (json, values) => {
    expect(found(json)).toStrictEqual(values);
  });

  it('of several names keeps them apart, in order', () => {
    expect(findMembers(Buffer.from('{"a":"1","c":{"b":"2","a":"3"}}'), ['a', 'b'])).toMatchObject([
      { name: 'a', text: '1' },
      { name: 'b', text: '2' },
      { name: 'a', text: '3' },
    ]);
  });

  it.each([
    [''],
    ['"x"'],
    ['[{"x":"1"}]'],
    ['{"x":"1"'],
    ['{"x":"1"}{"x":"2"}'],
    ['{"x":"1"} .'],
    ['{"x" "1"}'],
    ['{"x":"1}'],
    ['{"x":\'1\'}'],
    ['{"a":{"x":"1",}}'],
    ['{"x":01}'],
    ['{"x":"\\x"}'],
    ["{x:'1'}"],
  ])('%s has none: it is no object', (json) => {
    expect(found(json)).toBeUndefined();
  });

  it('other encodings have none', () => {
    expect(findMembers(Buffer.from('\ufeff{"x":"1"}'), ['x'])).toBeUndefined();
    expect(findMembers(Buffer.from('{"x":"1"}', 'utf16le'), ['x'])).toBeUndefined();
    expect(findMembers(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), ['x'])).toBeUndefined();
  });

  it('are found a thousand levels deep, and no deeper', () => {
    const nested = (depth: number) => `${'{"a":'.repeat(depth)}{"x":"1"}${'}'.repeat(depth)}`;
    expect(found(nested(1000))).toStrictEqual(['1']);
    expect(found(nested(1001))).toBeUndefined();
  });

  it('are a hundred at most', () => {
    const many = (count: number) => `{"a":[${'{"x":"1"},'.repeat(count)}0]}`;
    expect(found(many(100))).toHaveLength(100);
    expect(found(many(101))).toBeUndefined();
  });

  it('are those that a parser finds', () => {
    const values = (value: unknown): (string | undefined)[] => {
      if (typeof value !== 'object' || value === null) return [];
      if (Array.isArray(value)) return value.flatMap(values);
      const own = Object.entries(value).filter(([name]) => name === 'x');
      const texts = own.map(([, inner]) => (typeof inner === 'string' ? inner : undefined));
      return texts.concat(Object.values(value).flatMap(values));
    };
    const key = fc.oneof(fc.constant('x'), fc.string());
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.double(),
        fc.constant(null),
        fc.array(tie('value')),
        tie('object'),
      ),
      object: fc.dictionary(key, tie('value')),
    }));
    fc.assert(
      fc.property(tree.object, fc.constantFrom(undefined, 2), (object, indent) => {
        const json = JSON.stringify(object, null, indent);
        // By way of a parser, whose order of members is that of the text no more where names are numbers.
        expect(found(json)?.toSorted()).toStrictEqual(values(JSON.parse(json)).toSorted());
      }),
    );
  });
});
