import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { changeMembers } from '../../../src/bedrock/body-members.ts';
import { enforceGuardrail } from '../../../src/bedrock/guardrail-order.ts';
import type { Guardrail } from '../../../src/bedrock/guardrail.ts';
import { attribute } from '../../../src/bedrock/request-metadata.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { Operation } from '../../../src/bedrock/service.ts';
import { ProxyError } from '../../../src/errors.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

const ARN = 'arn:aws:bedrock:eu-central-1:111122223333:guardrail/a1b2';
const ORDER: Guardrail = { identifier: 'a1b2', version: '7' };
const NAMED = '"guardrailIdentifier":"a1b2","guardrailVersion":"7"';
const INVALID = expect.objectContaining({ failure: 'invalidRequest', status: 400, errorType: 'ValidationException' });
const ANOTHER = expect.objectContaining({ failure: 'accessDenied', status: 403, errorType: 'AccessDeniedException' });

const [IDENTIFIER, VERSION] = ['x-amzn-bedrock-guardrailidentifier', 'x-amzn-bedrock-guardrailversion'];

function operationOf(name: string): Operation {
  const operation = RUNTIME.operations.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new Error(`${name} has no row`);
  return operation;
}

function guarded(body: string | Buffer, guardrail = ORDER): string {
  const { change } = enforceGuardrail(operationOf('Converse'), {}, guardrail);
  if (change === undefined) throw new Error('nothing changes');
  return Buffer.concat(changeMembers(Buffer.from(body), [change])).toString();
}

/** The status of a refusal in the place of what it refuses. */
function orRefusal(make: () => string): string | 400 | 403 {
  try {
    return make();
  } catch (error) {
    if (error instanceof ProxyError && (error.status === 400 || error.status === 403)) return error.status;
    throw error;
  }
}

describe('the body of Converse', () => {
  it.each([
    ['nothing', '{}', `{"guardrailConfig":{${NAMED}}}`],
    ['no guardrail', '{"messages":[]}', `{"guardrailConfig":{${NAMED}},"messages":[]}`],
    ['null', '{"guardrailConfig" : null }', `{"guardrailConfig" : {${NAMED}} }`],
    ['an empty one', '{"guardrailConfig":{ }}', `{"guardrailConfig":{${NAMED} }}`],
    ['only a trace', '{"guardrailConfig":{"trace":"enabled"}}', `{"guardrailConfig":{${NAMED},"trace":"enabled"}}`],
    [
      'the same, with what else it says',
      `{"guardrailConfig":{"streamProcessingMode":"async", ${NAMED} ,"trace":"enabled_full","next":[1]},"a":1}`,
      `{"guardrailConfig":{"streamProcessingMode":"async", ${NAMED} ,"trace":"enabled_full","next":[1]},"a":1}`,
    ],
    [
      'the same with escapes',
      '{"guardrail\\u0043onfig":{"guardrailI\\u0064entifier":"a\\u0031b2","guardrailVersion":"\\u0037"}}',
      '{"guardrail\\u0043onfig":{"guardrailI\\u0064entifier":"a\\u0031b2","guardrailVersion":"\\u0037"}}',
    ],
    [
      'the same by its ARN',
      `{"guardrailConfig":{"guardrailIdentifier":"${ARN}","trace":"enabled","guardrailVersion":"7"}}`,
      '{"guardrailConfig":{"guardrailIdentifier":"a1b2","trace":"enabled","guardrailVersion":"7"}}',
    ],
    [
      'its id alone',
      '{"guardrailConfig":{"guardrailIdentifier":"a1b2"}}',
      '{"guardrailConfig":{"guardrailVersion":"7","guardrailIdentifier":"a1b2"}}',
    ],
    [
      'a version that is null',
      '{"guardrailConfig":{"guardrailIdentifier":"a1b2","guardrailVersion":null}}',
      '{"guardrailConfig":{"guardrailIdentifier":"a1b2","guardrailVersion":"7"}}',
    ],
    [
      'the name in other places',
      '{"x":{"guardrailConfig":{"guardrailIdentifier":"b"}},"y":"guardrailConfig"}',
      `{"guardrailConfig":{${NAMED}},"x":{"guardrailConfig":{"guardrailIdentifier":"b"}},"y":"guardrailConfig"}`,
    ],
    [
      'what would not survive a parser',
      '{"n":1234567890123456789,"m":1.0e+400,"d":1,"d":2,"e":"\\u00e9\\/","-0":-0,"__proto__":1}',
      `{"guardrailConfig":{${NAMED}},"n":1234567890123456789,"m":1.0e+400,"d":1,"d":2,"e":"\\u00e9\\/","-0":-0,"__proto__":1}`,
    ],
    ['a byte order mark, and white space', '\ufeff {"a":1}\n', `\ufeff {"guardrailConfig":{${NAMED}},"a":1}\n`],
  ])('with %s', (_name, body, expected) => {
    expect(guarded(body)).toBe(expected);
  });

  it('with its id, where an ARN is ordered: the ARN is sent', () => {
    const body = '{"guardrailConfig":{"guardrailIdentifier":"a1b2","guardrailVersion":"7"}}';
    expect(guarded(body, { identifier: ARN, version: '7' })).toBe(body.replace('a1b2', ARN));
  });

  it.each([
    ['another guardrail', '{"guardrailIdentifier":"b1","guardrailVersion":"7"}'],
    ['another version', '{"guardrailIdentifier":"a1b2","guardrailVersion":"8"}'],
    ['its draft', '{"guardrailIdentifier":"a1b2","guardrailVersion":"DRAFT"}'],
    ['another, with escapes', '{"guardrail\\u0049dentifier":"b1"}'],
    ['a version alone', '{"guardrailVersion":"8"}'],
    ['an empty name', '{"guardrailIdentifier":"","guardrailVersion":""}'],
    ['a name with space', '{"guardrailIdentifier":" a1b2"}'],
  ])('that names %s is refused', (_name, config) => {
    expect(() => guarded(`{"guardrailConfig":${config}}`)).toThrow(ANOTHER);
  });

  it.each([
    ['two configurations', `{"guardrailConfig":{${NAMED}},"guardrailConfig":{${NAMED}}}`],
    ['a second one with escapes', `{"guardrailConfig":{${NAMED}},"a":1,"\\u0067uardrailConfig":null}`],
    ['other capitals', `{"guardrailconfig":{${NAMED}}}`],
    ['a name in other capitals', '{"guardrailConfig":{"GuardrailIdentifier":"a1b2"}}'],
    ['a second name', `{"guardrailConfig":{${NAMED},"guardrailIdentifier":"a1b2"}}`],
    ['a second version with escapes', `{"guardrailConfig":{${NAMED},"guardrail\\u0056ersion":"7"}}`],
    ['a configuration that is an array', '{"guardrailConfig":[]}'],
    ['a configuration that is a string', '{"guardrailConfig":"{}"}'],
    ['a configuration that is a number', '{"guardrailConfig":0}'],
    ['a name that is a number', '{"guardrailConfig":{"guardrailIdentifier":1}}'],
    ['a version that is a number', '{"guardrailConfig":{"guardrailVersion":7}}'],
    ['a name in an array', '{"guardrailConfig":{"guardrailIdentifier":["a1b2"]}}'],
    ['a long configuration', `{"guardrailConfig":{"trace":"${'x'.repeat(70_000)}"}}`],
    ['another object behind it', `{}{"guardrailConfig":{"guardrailIdentifier":"b1"}}`],
    ['a word behind it', '{} x'],
    ['no object', '[{"guardrailConfig":{}}]'],
    ['nothing', ''],
    ['a comma too many', `{"guardrailConfig":{${NAMED}},}`],
    ['a comment', `{/**/"guardrailConfig":{${NAMED}}}`],
    ['an end that is missing', `{"guardrailConfig":{${NAMED}}`],
    ['another encoding', Buffer.from(`{"guardrailConfig":{${NAMED}}}`, 'utf16le')],
    ['bytes that are no text', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])('with %s is refused', (_name, body) => {
    expect(() => guarded(body)).toThrow(INVALID);
  });

  it('that is compressed is refused', () => {
    expect(() => enforceGuardrail(operationOf('Converse'), { 'content-encoding': 'gzip' }, ORDER)).toThrow(INVALID);
  });

  it('has the ids of the caller as well, where both are added', () => {
    const { change } = enforceGuardrail(operationOf('Converse'), {}, ORDER);
    const attributed = attribute(operationOf('Converse'), {}, { subscriptionId: 'team' });
    const changes = [change, attributed.change].filter((each) => each !== undefined);
    const both = (body: string) => Buffer.concat(changeMembers(Buffer.from(body), changes)).toString();
    const added = `"guardrailConfig":{${NAMED}},"requestMetadata":{"subscriptionId":"team"}`;
    expect(both('{}')).toBe(`{${added}}`);
    expect(both('{"a":1}')).toBe(`{${added},"a":1}`);
    expect(both('{"requestMetadata":{"a":"b"},"x":1,"guardrailConfig":{"trace":"enabled"}}')).toBe(
      `{"requestMetadata":{"a":"b","subscriptionId":"team"},"x":1,"guardrailConfig":{${NAMED},"trace":"enabled"}}`,
    );
    expect(both('{"requestMetadata":{}}')).toBe(
      `{"guardrailConfig":{${NAMED}},"requestMetadata":{"subscriptionId":"team"}}`,
    );
  });

  it('names the ordered guardrail, and all else as it was, whatever it is', () => {
    const escape = (text: string) =>
      Array.from(text, (character, index) =>
        index % 3 === 0 ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : character,
      ).join('');
    const name = fc.constantFrom('guardrailConfig', 'guardrailIdentifier', 'guardrailVersion', 'trace', 'a');
    const spelled = fc.tuple(name, fc.boolean()).map(([text, escaped]) => (escaped ? escape(text) : text));
    const word = fc.constantFrom('"a1b2"', '"b1"', '"7"', 'null', '1.0', '"\\u0061\\u0031b2"', `"${ARN}"`);
    const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
      value: fc.oneof({ weight: 3, arbitrary: word }, tie('object')),
      object: fc
        .array(fc.tuple(spelled, tie('value')), { maxLength: 4 })
        .map((members) => `{${members.map(([key, value]) => `"${key}":${value}`).join(' ,\n')}}`),
    }));
    let passed = 0;
    fc.assert(
      fc.property(object, (body) => {
        const sent = orRefusal(() => guarded(body));
        if (typeof sent === 'number') return;
        passed += 1;
        const { guardrailConfig, ...others } = JSON.parse(sent) as Record<string, Record<string, unknown>>;
        expect(guardrailConfig).toMatchObject({ guardrailIdentifier: 'a1b2', guardrailVersion: '7' });
        const before = JSON.parse(body) as Record<string, Record<string, unknown> | null>;
        expect(others).toStrictEqual(
          Object.fromEntries(Object.entries(before).filter(([key]) => key !== 'guardrailConfig')),
        );
        expect({ ...guardrailConfig }).toStrictEqual({
          ...before['guardrailConfig'],
          guardrailIdentifier: 'a1b2',
          guardrailVersion: '7',
        });
      }),
      { numRuns: 4 * RUNS },
    );
    expect(passed).toBeGreaterThan(RUNS);
  });
});

describe('headers', () => {
  const invoke = operationOf('InvokeModel');

  it.each([
    ['none', {}],
    ['the same', { [IDENTIFIER]: 'a1b2', [VERSION]: '7' }],
    ['the same by its ARN', { [IDENTIFIER]: ARN, [VERSION]: '7' }],
    ['its id alone', { [IDENTIFIER]: 'a1b2' }],
    ['its version alone', { [VERSION]: '7' }],
  ])('beside %s', (_name, named) => {
    const others = { accept: 'application/json', 'x-amzn-bedrock-trace': 'ENABLED_FULL' };
    expect(enforceGuardrail(invoke, { ...others, ...named }, ORDER)).toStrictEqual({
      headers: { ...others, [IDENTIFIER]: 'a1b2', [VERSION]: '7' },
    });
  });

  it.each([
    ['another', { [IDENTIFIER]: 'b1', [VERSION]: '7' }],
    ['another version', { [IDENTIFIER]: 'a1b2', [VERSION]: 'DRAFT' }],
    ['another version alone', { [VERSION]: '8' }],
    ['none, by empty values', { [IDENTIFIER]: '', [VERSION]: '' }],
    ['two of them', { [IDENTIFIER]: 'a1b2, a1b2' }],
  ])('that name %s are refused, for Converse too', (_name, named) => {
    expect(() => enforceGuardrail(invoke, named, ORDER)).toThrow(ANOTHER);
    expect(() => enforceGuardrail(operationOf('Converse'), named, ORDER)).toThrow(ANOTHER);
  });

  it('do not go on with Converse, which has its guardrail in the body', () => {
    const headers = { [IDENTIFIER]: 'a1b2', [VERSION]: '7', accept: '*/*' };
    expect(enforceGuardrail(operationOf('Converse'), headers, ORDER).headers).toStrictEqual({ accept: '*/*' });
  });
});

describe('an operation', () => {
  it.each(['StartAsyncInvoke', 'Responses'])('%s generates, and takes no guardrail: it is refused', (name) => {
    expect(() => enforceGuardrail(operationOf(name), {}, ORDER)).toThrow(ANOTHER);
  });

  it('of which nothing is said is refused', () => {
    const { guardrail: _said, ...row } = operationOf('Converse');
    expect(() => enforceGuardrail(row as Operation, {}, ORDER)).toThrow(ANOTHER);
  });

  it.each(['CountTokens', 'ApplyGuardrail', 'GetAsyncInvoke'])('%s generates nothing, and is left alone', (name) => {
    const headers = { [IDENTIFIER]: 'b1' };
    expect(enforceGuardrail(operationOf(name), headers, ORDER)).toStrictEqual({ headers });
  });

  it.each(RUNTIME.operations.filter(({ metering }) => metering === 'used'))(
    '$name uses tokens, so it does not pass without a guardrail',
    ({ guardrail }) => {
      expect(guardrail).toBeOneOf(['headers', 'body', 'impossible']);
    },
  );

  it('that can pass without one generates nothing', () => {
    const needless = RUNTIME.operations.filter(({ guardrail }) => guardrail === 'needless').map(({ name }) => name);
    expect(needless.toSorted()).toStrictEqual([
      'ApplyGuardrail',
      'CancelResponse',
      'CountMessageTokens',
      'CountTokens',
      'DeleteResponse',
      'GetAsyncInvoke',
      'GetResponse',
      'InvokeGuardrailChecks',
      'ListAsyncInvokes',
    ]);
  });
});
