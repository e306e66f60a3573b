import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { changeMembers } from '../../../src/bedrock/body-members.ts';
import { fit, type GatewayIds } from '../../../src/bedrock/metadata-map.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { attribute } from '../../../src/bedrock/request-metadata.ts';
import { requestMetadata } from '../../emulators/bedrock/request-metadata.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

const IDS = { subscriptionId: 'team-a', productId: 'gold' };
const BOTH = '"subscriptionId":"team-a","productId":"gold"';
const HEADER = 'x-amzn-bedrock-request-metadata';
const INVALID = expect.objectContaining({ failure: 'invalidRequest', status: 400, errorType: 'ValidationException' });

function withMetadata(body: Buffer, ids: GatewayIds): readonly Buffer[] {
  const converse = RUNTIME.operations.find(({ name }) => name === 'Converse');
  const change = converse && attribute(converse, {}, ids).change;
  if (change === undefined) throw new Error('Converse takes no metadata');
  return changeMembers(body, [change]);
}

function rewritten(body: string | Buffer, ids: GatewayIds = IDS): string {
  return Buffer.concat(withMetadata(Buffer.from(body), ids)).toString();
}

/** A JSON map of so many entries. */
function mapOf(entries: number): string {
  return JSON.stringify(Object.fromEntries(Array.from({ length: entries }, (_, index) => [`key${index}`, 'v'])));
}

describe('a body', () => {
  it.each([
    ['empty object', '{}', `{"requestMetadata":{${BOTH}}}`],
    ['white space', ' {\n} ', ` {"requestMetadata":{${BOTH}}\n} `],
    ['no map yet', '{"messages":[]}', `{"requestMetadata":{${BOTH}},"messages":[]}`],
    ['a map of the client', '{"requestMetadata":{"team":"x"}}', `{"requestMetadata":{"team":"x",${BOTH}}}`],
    ['an empty map', '{"a":1,"requestMetadata" : {} ,"b":2}', `{"a":1,"requestMetadata" : {${BOTH}} ,"b":2}`],
    ['null', '{"requestMetadata":null}', `{"requestMetadata":{${BOTH}}}`],
    [
      'forged entries',
      '{"requestMetadata":{"productId":"x","team":"t","subscriptionId":"y"}}',
      `{"requestMetadata":{"team":"t",${BOTH}}}`,
    ],
    [
      'forged entries with escapes',
      '{"requestMetadata":{"subscription\\u0049d":"y"}}',
      `{"requestMetadata":{${BOTH}}}`,
    ],
    ['a name with escapes', '{"request\\u004detadata":{"a":"b"}}', `{"request\\u004detadata":{"a":"b",${BOTH}}}`],
    [
      'the name in other places',
      '{"x":{"requestMetadata":{"a":"b"}},"y":"requestMetadata"}',
      `{"requestMetadata":{${BOTH}},"x":{"requestMetadata":{"a":"b"}},"y":"requestMetadata"}`,
    ],
    [
      'braces in strings',
      '{"a":"}\\"}{","requestMetadata":{"{":"}"},"b":"{"}',
      `{"a":"}\\"}{","requestMetadata":{"{":"}",${BOTH}},"b":"{"}`,
    ],
    [
      'what would not survive a parser',
      '{"n":1234567890123456789,"m":1.0e+400,"d":1,"d":2,"e":"\\u00e9\\/","-0":-0}',
      `{"requestMetadata":{${BOTH}},"n":1234567890123456789,"m":1.0e+400,"d":1,"d":2,"e":"\\u00e9\\/","-0":-0}`,
    ],
    [
      'a prototype',
      '{"__proto__":1,"requestMetadata":{"__proto__":"x"}}',
      `{"__proto__":1,"requestMetadata":{"__proto__":"x",${BOTH}}}`,
    ],
    ['a byte order mark', '\ufeff{"a":1}', `\ufeff{"requestMetadata":{${BOTH}},"a":1}`],
    ['something behind', '{"requestMetadata":{"subscriptionId":"y"}}x', `{"requestMetadata":{${BOTH}}}x`],
    [
      'another object behind',
      '{"a":1}{"requestMetadata":1}',
      `{"requestMetadata":{${BOTH}},"a":1}{"requestMetadata":1}`,
    ],
  ])('with %s', (_name, body, expected) => {
    expect(rewritten(body)).toBe(expected);
  });

  it.each([
    '',
    ' ',
    '\ufeff',
    'null',
    '[]',
    '"{}"',
    '[{"requestMetadata":{}}]',
    '{',
    '{"messages":[}',
    '{"messages":[],}',
    '{"requestMetadata":{"a":"b"}',
    '{"requestMetadata":{"subscriptionId":"y"},x}',
    '{"requestMetadata":{"a":"b"},"requestMetadata":{}',
    "{'a':1}",
    'prompt',
    '{"requestMetadata":{"subscriptionId":"y"},"n":010}',
    '{"requestMetadata":{"subscriptionId":"y"},"n":NaN}',
    '{"requestMetadata":{"subscriptionId":"y"},"a":"\t"}',
    '{/**/"requestMetadata":{"subscriptionId":"y"}}',
  ])('that is no valid object is refused, since others may read one: %j', (body) => {
    expect(() => rewritten(body)).toThrow(INVALID);
  });

  it.each([
    ['the member in other capitals', '{"RequestMetadata":{"subscriptionId":"b"}}'],
    ['the member in other capitals beside it', '{"requestMetadata":{},"REQUESTMETADATA":{"subscriptionId":"b"}}'],
    ['the member twice', '{"requestMetadata":{},"requestMetadata":{}}'],
    ['the member twice, once with escapes', '{"requestMetadata":{},"a":1,"\\u0072equestMetadata":null}'],
    ['a string', '{"requestMetadata":"{}"}'],
    ['an array', '{"requestMetadata":[]}'],
    ['a number', '{"requestMetadata":1}'],
    ['a value that is a number', '{"requestMetadata":{"a":1}}'],
    ['a value that is null', '{"requestMetadata":{"a":null}}'],
    ['a value that is a map', '{"requestMetadata":{"a":{}}}'],
    ['a map of a million levels', `{"requestMetadata":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`],
  ])('with %s is refused', (_name, body) => {
    expect(() => rewritten(body)).toThrow(INVALID);
  });

  it.each([
    ['UTF-16', Buffer.from('{"requestMetadata":{"subscriptionId":"y"}}', 'utf16le')],
    ['UTF-16 with a mark', Buffer.from('\ufeff{"a":1}', 'utf16le')],
    ['UTF-16, big endian', Buffer.from('{"a":1}', 'utf16le').swap16()],
    ['UTF-32', Buffer.from([0, 0, 0, 0x7b, 0, 0, 0, 0x7d])],
    ['UTF-8 with a mark and then UTF-16', Buffer.concat([Buffer.from('\ufeff'), Buffer.from('{}', 'utf16le')])],
    [
      'an overlong form of the name',
      Buffer.concat([Buffer.from('{"'), Buffer.from([0xc1, 0xb2]), Buffer.from('equestMetadata":{}}')]),
    ],
    ['a broken character', Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xe2, 0x82]), Buffer.from('"}')])],
  ])('in %s is refused: others might read it', (_name, body) => {
    expect(() => withMetadata(body, IDS)).toThrow(INVALID);
  });

  it.each(['{"requestMetadata":["secret"]}', '{"requestMetadata":{"secret":1}}', `{"requestMetadata":${mapOf(15)}}`])(
    'a refusal repeats nothing of it: %s',
    (body) => {
      const thrown = thrownBy(() => rewritten(body));
      expect(thrown).toBeInstanceOf(Error);
      expect(String(thrown)).not.toMatch(/secret|key1/);
      expect(thrown).not.toHaveProperty('cause');
    },
  );

  function thrownBy(action: () => unknown): unknown {
    try {
      return action();
    } catch (error) {
      return error;
    }
  }

  it.each<[string, GatewayIds, number, number]>([
    ['both ids', IDS, 14, 15],
    ['one id', { subscriptionId: 'a' }, 15, 16],
  ])('may have as many entries as are left beside %s', (_name, ids, most, tooMany) => {
    expect(Object.keys(JSON.parse(rewritten(`{"requestMetadata":${mapOf(most)}}`, ids)).requestMetadata)).toHaveLength(
      16,
    );
    expect(() => rewritten(`{"requestMetadata":${mapOf(tooMany)}}`, ids)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(`${most} entries`) }),
    );
  });

  it('entries that are replaced take no place', () => {
    const map = { ...JSON.parse(mapOf(14)), subscriptionId: 'x', productId: 'y' };
    expect(JSON.parse(rewritten(JSON.stringify({ requestMetadata: map }))).requestMetadata).toStrictEqual({
      ...map,
      ...IDS,
    });
  });

  it.each([
    ['{"requestMetadata":{"team":"t"}}', '{"requestMetadata":{"team":"t"}}'],
    ['{"requestMetadata":{ } }', '{"requestMetadata":{ } }'],
    [`{"requestMetadata":${mapOf(17)}}`, `{"requestMetadata":${mapOf(17)}}`],
    ['{"a":1}', '{"a":1}'],
    ['{"requestMetadata":{"productId":"y","team":"t"}}', '{"requestMetadata":{"team":"t"}}'],
    // AWS's map is not empty.
    ['{"requestMetadata":{"productId":"y"}}', '{"requestMetadata":null}'],
  ])('of a caller without ids loses forged ones only: %s', (body, expected) => {
    expect(rewritten(body, {})).toBe(expected);
    expect(rewritten(body, { subscriptionId: '', productId: '' })).toBe(expected);
  });

  it('without a product is free to have none, not one of its own', () => {
    expect(rewritten('{"requestMetadata":{"productId":"y"}}', { subscriptionId: 'a' })).toBe(
      '{"requestMetadata":{"subscriptionId":"a"}}',
    );
  });

  it('is not copied', () => {
    const body = Buffer.from('{"requestMetadata":null,"a":1}');
    const pieces = withMetadata(body, IDS);
    expect(pieces).toHaveLength(3);
    expect([pieces[0]?.buffer, pieces[2]?.buffer]).toStrictEqual([body.buffer, body.buffer]);
    expect(pieces[2]?.byteOffset).toBe(body.byteOffset + '{"requestMetadata":null'.length);
  });
});

describe('any body', () => {
  const key = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('requestMetadata', 'messages', '__proto__', 'subscriptionId', 'productId'),
  );
  const ownMap = fc.oneof(
    { weight: 4, arbitrary: fc.dictionary(key, fc.string({ unit: 'grapheme' }), { maxKeys: 14 }) },
    { weight: 1, arbitrary: fc.constant(null) },
  );
  const objects = fc
    .tuple(
      fc.dictionary(
        key.filter((name) => name !== 'requestMetadata'),
        fc.jsonValue(),
      ),
      fc.option(ownMap, { nil: undefined }),
    )
    .chain(([others, own]) => {
      const members = Object.entries(others);
      return fc.nat({ max: members.length }).map((at) => {
        const all: [string, unknown][] =
          own === undefined ? members : members.toSpliced(at, 0, ['requestMetadata', own]);
        return { all, own: own ?? {} };
      });
    });
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t');
  const id = fc.oneof(fc.string({ minLength: 1, maxLength: 300 }), fc.string({ unit: 'grapheme', minLength: 1 }));
  const gatewayIds: fc.Arbitrary<GatewayIds> = fc.record({ subscriptionId: id, productId: id }, { requiredKeys: [] });

  /** The members with white space around every token, names escaped or not. */
  function print(members: readonly [string, unknown][], gap: string, escaped: boolean): string {
    const printed = members.map(([name, value]) => {
      const quoted = JSON.stringify(name);
      const text =
        escaped && name !== ''
          ? `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${JSON.stringify(name.slice(1)).slice(1)}`
          : quoted;
      return `${gap}${text}${gap}:${gap}${JSON.stringify(value)}${gap}`;
    });
    return `${gap}{${printed.join(',')}}${gap}`;
  }

  it('has the merged map afterwards, and every byte outside of it is as before', () => {
    fc.assert(
      fc.property(objects, space, fc.boolean(), gatewayIds, ({ all, own }, gap, escaped, ids) => {
        const text = print(all, gap, escaped);
        const body = Buffer.from(text.toWellFormed());
        const before = JSON.parse(body.toString()) as Record<string, unknown>;
        const pieces = withMetadata(body, ids);
        const after = JSON.parse(Buffer.concat(pieces).toString()) as Record<string, unknown>;

        const { subscriptionId: _forged, productId: _forgedToo, ...kept } = own;
        const added = Object.entries(ids).map(([name, value]) => [name, fit(value)]);
        const map = { ...kept, ...Object.fromEntries(added) };
        const hasMember = Object.hasOwn(before, 'requestMetadata');
        const isUntouched = added.length === 0 && Object.keys(kept).length === Object.keys(own).length;
        const { requestMetadata: _before, ...others } = before;
        const { requestMetadata: now, ...othersNow } = after;
        expect(othersNow).toStrictEqual(others);
        expect(isUntouched ? Buffer.concat(pieces) : (now ?? {})).toStrictEqual(isUntouched ? body : map);
        expect(Object.hasOwn(after, 'requestMetadata')).toBe(hasMember || added.length > 0);

        // What is spliced in stands in one place.
        const [head = Buffer.alloc(0), , tail = Buffer.alloc(0)] = pieces;
        expect(body.subarray(0, head.length).equals(head)).toBe(true);
        expect(body.subarray(body.length - tail.length).equals(tail)).toBe(true);
        expect(head.length + tail.length < body.length).toBe(hasMember && !isUntouched);
      }),
    );
  });

  it('that AWS accepts is accepted with the ids as well', () => {
    const valid = fc.dictionary(
      fc.stringMatching(/^[a-zA-Z0-9:_@$#=/+,. -]{1,20}$/),
      fc.stringMatching(/^[a-zA-Z0-9:_@$#=/+,. -]{0,20}$/),
      {
        maxKeys: 14,
      },
    );
    fc.assert(
      fc.property(valid, gatewayIds, (own, ids) => {
        const body = Buffer.from(JSON.stringify({ requestMetadata: own }));
        fc.pre(Object.keys(own).length > 0);
        expect(requestMetadata('Converse', {}, body)).toStrictEqual({ ...own });
        const fitted = Object.entries(ids).map(([name, value]) => [name, fit(value)]);
        expect(requestMetadata('Converse', {}, Buffer.concat(withMetadata(body, ids)))).toStrictEqual({
          ...own,
          ...Object.fromEntries(fitted),
        });
      }),
    );
  });
});

describe('an id in the characters of AWS', () => {
  const AWS = /^[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}$/;

  it.each([
    ['team-a', 'team-a'],
    ['0123456789abcdef01234567', '0123456789abcdef01234567'],
    ['Az09 :_@$#/+,-.', 'Az09 :_@$#/+,-.'],
    ['a=b', 'a=3Db'],
    ['a%20b', 'a=2520b'],
    ['é', '=C3=A9'],
    ['🚀', '=F0=9F=9A=80'],
    ['a"b\\c', 'a=22b=5Cc'],
    ['a\tb\n', 'a=09b=0A'],
    ["(a)!~'*", '=28a=29=21=7E=27=2A'],
    ['x'.repeat(256), 'x'.repeat(256)],
  ])('%s', (id, expected) => {
    expect(fit(id)).toBe(expected);
  });

  it('can be decoded again, as quoted-printable text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (id) => {
        const fitted = fit(id.slice(0, 20));
        expect(fitted).toMatch(AWS);
        const decoded = decodeURIComponent(fitted.replaceAll('%', '%25').replaceAll('=', '%'));
        expect(decoded).toBe(id.slice(0, 20).toWellFormed());
      }),
    );
  });

  it('that is too long keeps its beginning, and is still the only one of its kind', () => {
    const [one, other] = [fit(`${'x'.repeat(256)}a`), fit(`${'x'.repeat(256)}b`)];
    expect(one).toMatch(/^x{222}==[0-9a-f]{32}$/);
    expect(one).not.toBe(other);
    expect(fit('é'.repeat(256))).toMatch(/^(=C3=A9)+(=C3)?==[0-9a-f]{32}$/);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 200, maxLength: 400 }), (id) => {
        expect(fit(id)).toMatch(AWS);
        expect(fit(id).replace(/==[0-9a-f]{32}$/, '')).not.toMatch(/=(?![0-9A-F]{2})/);
      }),
    );
  });
});

describe('a header', () => {
  const [invoke, converse, messages] = ['InvokeModel', 'Converse', 'Messages'].map((name) =>
    RUNTIME.operations.find((operation) => operation.name === name),
  );
  if (invoke === undefined || converse === undefined || messages === undefined) throw new Error('no such operation');
  const headerOf = (value: string | undefined, ids: GatewayIds = IDS, operation = invoke) =>
    attribute(operation, value === undefined ? {} : { [HEADER]: value }, ids).headers[HEADER];

  it.each([
    ['none', undefined, `{${BOTH}}`],
    ['an empty map', '{}', `{${BOTH}}`],
    ['a map', ' {"team" : "t"} ', `{"team":"t",${BOTH}}`],
    ['forged entries', '{"subscriptionId":"x","team":"t","product\\u0049d":"y"}', `{"team":"t",${BOTH}}`],
    ['escapes', '{"a":"\\u00e9\\u007f\\ud83d\\ude80"}', `{"a":"\\u00e9\\u007f\\ud83d\\ude80",${BOTH}}`],
  ])('beside %s', (_name, sent, expected) => {
    expect(headerOf(sent)).toBe(expected);
  });

  it.each([
    ['no JSON', 'team=t'],
    ['nothing', ''],
    ['null', 'null'],
    ['a string', '"team"'],
    ['an array', '[]'],
    ['a value that is no string', '{"a":1}'],
    ['two maps, as of a repeated header', '{"a":"b"}, {"c":"d"}'],
    ['too many entries', mapOf(15)],
    ['more than any map within the limits', `{"a":"${'x'.repeat(70_000)}"}`],
  ])('that is %s is refused', (_name, sent) => {
    expect(() => headerOf(sent)).toThrow(INVALID);
  });

  it('is ASCII, whatever the ids', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), { maxKeys: 9 }),
        (id, own) => {
          const value = headerOf(JSON.stringify(own), { subscriptionId: id }) ?? '';
          expect(value).toMatch(/^[\x20-\x7e]+$/);
          const { subscriptionId: _forged, productId: _forgedToo, ...kept } = own;
          expect(JSON.parse(value)).toStrictEqual({ ...kept, subscriptionId: fit(id) });
        },
      ),
    );
  });

  it('stays away where there is nothing to tell', () => {
    expect(headerOf(undefined, {})).toBeUndefined();
    expect(headerOf('{"a":"b"}', {})).toBe('{"a":"b"}');
    expect(headerOf('{"productId":"b"}', {})).toBeUndefined();
  });

  it('is not added where AWS documents none, and loses forged entries there', () => {
    for (const operation of [converse, messages]) {
      expect(headerOf(undefined, IDS, operation)).toBeUndefined();
      expect(headerOf('{"a":"b"}', IDS, operation)).toBe('{"a":"b"}');
      expect(headerOf('{"a":"b","subscriptionId":"x"}', IDS, operation)).toBe('{"a":"b"}');
    }
  });

  it('leaves the others as they are', () => {
    const headers = { 'content-type': 'application/json', 'x-amzn-bedrock-trace': 'ENABLED' };
    expect(attribute(invoke, headers, IDS).headers).toMatchObject(headers);
    expect(attribute(messages, headers, IDS).headers).toStrictEqual(headers);
  });

  it('only the bodies of Converse and ConverseStream are rewritten', () => {
    const rewriting = RUNTIME.operations.filter((operation) => attribute(operation, {}, IDS).change !== undefined);
    expect(rewriting.map(({ name }) => name)).toStrictEqual(['Converse', 'ConverseStream']);
  });

  it('a compressed body is refused', () => {
    expect(() => attribute(converse, { 'content-encoding': 'gzip' }, IDS)).toThrow(INVALID);
    expect(attribute(converse, { 'content-encoding': 'identity' }, IDS).change).toBeDefined();
    expect(attribute(invoke, { 'content-encoding': 'gzip' }, IDS).headers).toHaveProperty(HEADER);
  });
});
