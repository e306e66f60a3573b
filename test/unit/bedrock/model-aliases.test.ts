import { describe, expect, it } from 'vitest';

import { changeMembers } from '../../../src/bedrock/body-members.ts';
import { aliasChange, type CalledModel, parseAliases } from '../../../src/bedrock/model-aliases.ts';

const NOVA = 'amazon.nova-lite-v1:0';
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6';
const INVALID = expect.objectContaining({ failure: 'invalidRequest', status: 400 });

describe('ordered aliases', () => {
  it.each<[string, Record<string, string>]>([
    [`team-default=${NOVA}`, { 'team-default': NOVA }],
    [` a = ${NOVA} , b=${PROFILE}`, { a: NOVA, b: PROFILE }],
    [`anthropic.claude-v2:1=${NOVA}`, { 'anthropic.claude-v2:1': NOVA }],
    ['a=b,b=c', { a: 'b', b: 'c' }],
    ['team/a=b', { 'team/a': 'b' }],
  ])('%s', (text, expected) => {
    const aliases = parseAliases(text);
    expect(typeof aliases === 'string' ? aliases : Object.fromEntries(aliases)).toStrictEqual(expected);
  });

  it.each([
    ['', 1],
    ['a', 1],
    ['a=', 1],
    [`=${NOVA}`, 1],
    [`a*=${NOVA}`, 1],
    ['a=amazon.*', 1],
    ['a=b=c', 1],
    ['a=b,', 2],
    ['a=b,,c=d', 2],
    ['a b=c', 1],
    ['a=b c', 1],
    ['a=b%2Fc', 1],
    ['é=b', 1],
    ['a=../b', 1],
    ['a=b//c', 1],
    [`a=${'b'.repeat(2049)}`, 1],
  ])('%j is malformed, at %i', (text, index) => {
    expect(parseAliases(text)).toBe(`alias ${index} is not of the form name=<id or ARN of a model>`);
  });

  it('a name that is there twice is malformed, also for the same model', () => {
    expect(parseAliases('a=b,c=d,a=b')).toBe('alias 3 has a name that is there already');
  });

  it('no member of a JavaScript object is a name', () => {
    const aliases = parseAliases('a=b');
    expect(typeof aliases === 'string' || aliases.get('constructor')).toBeUndefined();
  });
});

describe('an alias in a body', () => {
  const aliases = new Map([
    ['team', NOVA],
    ['profile', PROFILE],
    [NOVA, 'amazon.nova-pro-v1:0'],
  ]);
  function renamed(body: string): { sent: string; called: CalledModel | undefined } {
    let called: CalledModel | undefined;
    const change = aliasChange('model', aliases, (model) => {
      called = model;
    });
    return { sent: Buffer.concat(changeMembers(Buffer.from(body), [change])).toString(), called };
  }

  it.each([
    ['an alias', '{"model":"team","n":1}', `{"model":"${NOVA}","n":1}`, { asked: 'team', used: NOVA }],
    ['an alias of a profile', '{"model" : "profile"}', `{"model" : "${PROFILE}"}`, { asked: 'profile', used: PROFILE }],
    ['escapes', '{"mode\\u006c":"t\\u0065am"}', `{"mode\\u006c":"${NOVA}"}`, { asked: 'team', used: NOVA }],
    [
      'a model that is an alias: once, not again',
      `{"model":"${NOVA}"}`,
      '{"model":"amazon.nova-pro-v1:0"}',
      { asked: NOVA, used: 'amazon.nova-pro-v1:0' },
    ],
    ['no alias', '{"model":"teams"}', '{"model":"teams"}', { asked: 'teams', used: 'teams' }],
    [
      'what would not survive a parser',
      '{"n":1234567890123456789,"d":1,"d":2,"x":{"model":"team"},"model":"team"}',
      `{"n":1234567890123456789,"d":1,"d":2,"x":{"model":"team"},"model":"${NOVA}"}`,
      { asked: 'team', used: NOVA },
    ],
  ])('%s', (_name, body, sent, called) => {
    expect(renamed(body)).toStrictEqual({ sent, called });
  });

  it.each([
    ['no model', '{}'],
    ['two of them', '{"model":"team","model":"team"}'],
    ['two of them, one with escapes', '{"model":"a","\\u006dodel":"team"}'],
    ['null', '{"model":null}'],
    ['a number', '{"model":1}'],
    ['an array', '{"model":["team"]}'],
    ['nothing in it', '{"model":""}'],
    ['no object', '["model"]'],
    ['something behind it', '{"model":"team"}{"model":"b"}'],
    ['no end', '{"model":"team"'],
  ])('that cannot be read with certainty is refused: %s', (_name, body) => {
    expect(() => renamed(body)).toThrow(INVALID);
  });
});
