import { crc32 } from 'node:zlib';
import { findModel, readModels } from '../../src/bedrock/body-model.ts';
import { changeMembers, type MemberChange } from '../../src/bedrock/body-members.ts';
import { enforceGuardrail } from '../../src/bedrock/guardrail-order.ts';
import { attribute } from '../../src/bedrock/request-metadata.ts';
import { createRouter } from '../../src/bedrock/route.ts';
import { findMembers } from '../../src/json/members.ts';
import { SERVICES } from '../../src/bedrock/services.ts';
import { checkModel } from '../../src/callers/allowed-models.ts';
import { callerOf } from '../../src/callers/caller.ts';
import { forwardedHeaders } from '../../src/proxy/forwarded-headers.ts';
import { forwardedQuery } from '../../src/proxy/forwarded-query.ts';
import { createEventFramer } from '../../src/streams/server-sent-events.ts';
import { createEventStreamFramer } from '../../src/streams/event-stream.ts';
import type { Framer } from '../../src/streams/framer.ts';
import { createSigner } from '../../src/aws/signer.ts';
import { createRandom } from '../fuzz/random.ts';
import { hostileObject, mixOf } from './hostile-json.ts';

/** The worst inputs of each reader that a caller, or Bedrock, can have the event loop read. */

const findRoute = createRouter(SERVICES);
const sign = createSigner('bedrock', 'us-east-1', 'https://bedrock-runtime.us-east-1.amazonaws.com');
const converse = findRoute('POST', '/model/m/converse').operation;
const guarded = enforceGuardrail(converse, {}, { identifier: 'gr7abc123def', version: '3' }).change;
const attributed = attribute(converse, {}, { subscriptionId: 'a' }).change;
const KEYS = { accessKeyId: 'AKIA', secretAccessKey: 's' };

/** Prepares an input of about so many bytes; what it returns reads it. A refusal is as good as an answer. */
export type Prepare = (bytes: number) => () => unknown;
export type Row = readonly [name: string, bytes: number, prepare: Prepare];

function present(...changes: readonly (MemberChange | undefined)[]): readonly MemberChange[] {
  return changes.filter((change) => change !== undefined);
}

function body(before: string, unit: string, after = ''): Prepare {
  return (bytes) => {
    const json = Buffer.from(`{${before}${unit.repeat(Math.ceil(bytes / unit.length))}${after}"model":"m"}`);
    return () => readModels(json, 'model');
  };
}

/** In an order that no processor foresees, which costs more than the reading where it is read by guesses. */
function mixed(before: string, parts: readonly string[], after: string): Prepare {
  return (bytes) => {
    const json = Buffer.from(`{${before}${mixOf(createRandom(1), bytes, parts)}${after}"model":"m"}`);
    return () => readModels(json, 'model');
  };
}

/** As deep as is read, again and again. */
function nested(open: string, close: string): Prepare {
  return body('"a":[', `${open.repeat(500)}1${close.repeat(500)},`, '1],');
}

/** One message that has no end, byte for byte. */
function bytewise(create: () => Framer, first: Buffer): Prepare {
  return (bytes) => () => {
    const framer = create();
    framer.push(first);
    for (let at = 0; at < bytes; at += 1) framer.push(Buffer.from([0x61]));
    return framer.pending;
  };
}

/** Of a message of eight megabytes without headers. */
const PRELUDE = Buffer.alloc(12);
PRELUDE.writeUInt32BE(2 ** 23, 0);
PRELUDE.writeUInt32BE(crc32(PRELUDE.subarray(0, 8)), 8);

/** The parts of a request that node reads as its head: at most 8 KB of them reach a function. */
export const HOSTILE_HEADS: readonly Row[] = [
  ['a path of separators', 8192, (bytes) => () => findRoute('POST', `/guardrail/${'a/version/'.repeat(bytes / 10)}x`)],
  [
    'a path of many labels',
    8192,
    (bytes) => () =>
      findRoute('GET', `/flows/${'a/aliases/'.repeat(bytes / 20)}${'b/executions/'.repeat(bytes / 26)}x`),
  ],
  ['a path of escapes', 8192, (bytes) => () => findRoute('POST', `/model/${'%2525'.repeat(bytes / 5)}/converse`)],
  ['a query of names', 4096, signed((index) => `a${index.toString(36)}`)],
  ['a query of one name', 4096, signed(() => 'a')],
  [
    'a list of models',
    8192,
    (bytes) => {
      const caller = callerOf({ 'x-gateway-allowed-models': 'a*,'.repeat(bytes / 3) });
      return () => checkModel(caller, 'm'.repeat(2048));
    },
  ],
  [
    'headers',
    8192,
    (bytes) => {
      const headers = Object.fromEntries(
        Array.from({ length: bytes / 8 }, (_, index) => [`x-amzn-bedrock-${index}`, 'a']),
      );
      return () => forwardedHeaders(headers);
    },
  ],
];

export const HOSTILE_BODIES: readonly Row[] = [
  ['members', 65_536, body('', '"modelx":1,')],
  ['members with escapes', 65_536, body('', '"mode\\u006d":1,')],
  ['numbers', 65_536, body('"a":[', '1,', '1],')],
  ['empty arrays', 65_536, body('"a":[', '[],', '1],')],
  ['a string', 65_536, body('"a":"', 'A', '",')],
  ['escapes in a string', 65_536, body('"a":"', '\\n', '",')],
  ['white space', 65_536, body('', ' ')],
  ['arrays in arrays', 65_536, nested('[', ']')],
  ['objects in objects', 65_536, nested('{"":', '}')],
  ['nested members', 65_536, models((bytes) => `{"a":[${'{"modelArx":1},'.repeat(bytes / 15)}0]}`)],
  ['nested names', 65_536, models((bytes) => `{"a":[${'{"modelArn":"a"},'.repeat(bytes / 17)}0]}`)],
  ['a name in arrays in arrays', 65_536, models((bytes) => '{"modelArn":['.repeat(bytes / 13))],
  ['elements of all kinds', 65_536, mixed('"a":[', ['1,', '12,', '[],', '{},', '"",', '"a",', 'null,'], '1],')],
  ['strings of all kinds', 65_536, mixed('"a":[', ['"",', '"a",', '"\\n",', '"ab",', '"\\u0061",'], '1],')],
  ['escapes of all kinds', 65_536, mixed('"a":"', ['\\n', 'a', '\\u0061', '\\"', 'bb', 'a long one'], '",')],
  ['members of all kinds', 65_536, mixed('', ['"":1,', '"m":[],', '"mo\\u0064el1":2,', '"modelx":"",', '"a":{},'], '')],
  [
    'levels at random',
    65_536,
    (bytes) => {
      const json = Buffer.from(hostileObject(createRandom(1), bytes));
      return () => findModel(json, 'x');
    },
  ],
  [
    'a model that may stand there again',
    65_536,
    (bytes) => {
      const json = Buffer.from(`{${'"a":1,'.repeat(bytes / 6)}"model":"m","b":"\\u00e4"}`);
      return () => findModel(json, 'model');
    },
  ],
  [
    'other models, and arguments of that name',
    65_536,
    body('"tools":[', '{"model":"a","b":{"model":1,"c":"a longer description of it"}},', '1],'),
  ],
  [
    'members beside a guardrail and metadata',
    65_536,
    (bytes) => {
      const json = Buffer.from(`{${'"guardrailConfix":1,'.repeat(bytes / 20)}"a":1}`);
      return () => changeMembers(json, present(guarded, attributed));
    },
  ],
  [
    'a guardrail of many members',
    8192,
    (bytes) => {
      const json = Buffer.from(`{"guardrailConfig":{${'"guardrailVersiom":1,'.repeat(bytes / 21)}"trace":"enabled"}}`);
      return () => changeMembers(json, present(guarded));
    },
  ],
  [
    'members beside metadata',
    65_536,
    (bytes) => {
      const json = Buffer.from(`{${'"requestMetadatx":1,'.repeat(bytes / 20)}"a":1}`);
      return () => changeMembers(json, present(attributed));
    },
  ],
];

export const HOSTILE_STREAMS: readonly Row[] = [
  ['an event, byte for byte', 8192, bytewise(() => createEventFramer('openai'), Buffer.from('data: '))],
  ['a message, byte for byte', 8192, bytewise(createEventStreamFramer, PRELUDE)],
];

function models(json: (bytes: number) => string): Prepare {
  return (bytes) => {
    const text = Buffer.from(json(bytes));
    return () => findMembers(text, ['modelArn', 'foundationModelType']);
  };
}

function signed(parameter: (index: number) => string): Prepare {
  return (bytes) => {
    const sent = Array.from({ length: bytes / 4 }, (_, index) => parameter(index)).join('&');
    return () => {
      const query = forwardedQuery(sent, 'any');
      return sign({ method: 'POST', path: '/x', query, headers: {}, bodySha256: 'a' }, KEYS);
    };
  };
}

/** A conversation as clients send it, to compare with. */
export const honestBody: Prepare = body(
  '"messages":[',
  '{"role":"user","content":[{"type":"text","text":"How would you say \\"good morning\\" to a friend?\\nOr to her cat?"}]},',
  '{"role":"user","content":"Hi"}],',
);

/** A head as clients send it: route, query and signature. */
export function honestHead(): unknown {
  findRoute('POST', '/model/anthropic.claude-sonnet-4-20250514-v1:0/converse');
  const { signed: headers } = forwardedHeaders({ 'content-type': 'application/json', accept: 'application/json' });
  return sign(
    { method: 'POST', path: '/x', query: forwardedQuery('maxResults=10', 'any'), headers, bodySha256: 'a' },
    KEYS,
  );
}
