import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { BLOCKED, GUARDRAILS } from '../emulators/bedrock/guardrails.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { ask, call } from '../support/chain-calls.ts';
import { type Clients, clientsOf } from '../support/gateway-clients.ts';
import { converse, converseStream, modelId } from '../support/models.ts';
import { onlyRequest } from '../support/only-request.ts';
import { OPERATION_CALLS } from '../support/operation-calls.ts';
import { nextRecord } from '../support/records.ts';

const [ORDERED, OTHER] = GUARDRAILS;
const SAME = { identifier: ORDERED.id, version: '3' };

const FREE = { id: 'free', key: 'key-of-free' };
const GUARDED = { id: 'guarded', key: 'key-of-guarded' };
const BY_ARN = { id: 'by-arn', key: 'key-of-by-arn' };
const WRONG = { id: 'wrong', key: 'key-of-wrong' };

/** The policy of all APIs, with an order for some of the subscriptions. */
const POLICY = globalPolicy({
  inbound: `<choose>${[
    [GUARDED.id, `${ORDERED.id}:3`],
    [BY_ARN.id, `${ORDERED.arn}:3`],
    [WRONG.id, `${ORDERED.id}:latest`],
  ]
    .map(
      ([id, order]) => `<when condition='@(context.Subscription.Id == "${id}")'>
        <set-variable name="bedrock-guardrail" value="${order}" />
      </when>`,
    )
    .join('')}</choose>`,
});

let chain: Chain;
const clients = new Map<string, Clients>();

beforeAll(async () => {
  chain = await startChain({ subscriptions: [FREE, GUARDED, BY_ARN, WRONG], globalPolicy: POLICY });
  for (const { key } of [FREE, GUARDED, BY_ARN, WRONG]) clients.set(key, clientsOf(chain, key));
});
afterAll(async () => {
  for (const { aws } of clients.values()) aws.destroy();
  await chain.close();
});
afterEach(() => chain.bedrock.reset());

function clientsFor({ key }: { readonly key: string }): Clients {
  const found = clients.get(key);
  if (found === undefined) throw new Error('no such subscription');
  return found;
}

const rowOf = (name: string) => RUNTIME.operations.find((operation) => name.split(',')[0] === operation.name);
const all = Object.entries(OPERATION_CALLS).map(([name, run]) => ({ name, run, guardrail: rowOf(name)?.guardrail }));
const generating = all.filter(({ guardrail }) => guardrail === 'headers' || guardrail === 'body');
const impossible = all.filter(({ guardrail }) => guardrail === 'impossible');
const needless = all.filter(({ guardrail }) => guardrail === 'needless');

const REFUSED = expect.objectContaining({
  message: expect.stringMatching(/must use (?:another guardrail than the one of the request|a guardrail, which)/),
});

it('every operation that is served is tried here', () => {
  const served = RUNTIME.operations.filter(({ unsupported }) => unsupported === undefined);
  expect(new Set(all.map(({ name }) => name.split(',')[0]))).toStrictEqual(new Set(served.map(({ name }) => name)));
  expect([generating, impossible, needless].map(({ length }) => length)).toStrictEqual([8, 2, 9]);
});

describe.each(generating)('$name', ({ name: tried, run }) => {
  it.each([
    ['none', undefined, undefined],
    ['one', SAME, { id: ORDERED.id, version: '3' }],
    ['another', { identifier: OTHER.arn, version: '1' }, { id: OTHER.id, version: '1' }],
  ])('without an order: the client names %s', async (_name, guardrail, applied) => {
    await run(clientsFor(FREE), { guardrail });
    expect(onlyRequest(chain).guardrail).toStrictEqual(applied && { ...applied, intervened: false, traced: false });
  });

  it.each([
    ['none', undefined, false],
    ['the same', { ...SAME, trace: 'enabled' as const }, true],
    ['the same by its ARN', { identifier: ORDERED.arn, version: '3' }, false],
  ])('with an order: the client names %s', async (_name, guardrail, traced) => {
    for (const subscription of [GUARDED, BY_ARN]) {
      await run(clientsFor(subscription), { guardrail });
      const request = onlyRequest(chain);
      expect(request.guardrail).toStrictEqual({ id: ORDERED.id, version: '3', intervened: false, traced });
      // It is named as it was ordered.
      const ordered = subscription === GUARDED ? ORDERED.id : ORDERED.arn;
      expect(`${request.headers['x-amzn-bedrock-guardrailidentifier']} ${request.body}`).toContain(ordered);
      chain.bedrock.reset();
    }
  });

  it.each([
    ['another', { identifier: OTHER.id, version: '3' }],
    ['another version', { identifier: ORDERED.id, version: '1' }],
    ['the draft', { identifier: ORDERED.arn, version: 'DRAFT' }],
    ['one of another account', { identifier: ORDERED.arn.replace('123456789012', '444455556666'), version: '3' }],
  ])('with an order, a client that names %s is refused, once', async (name, guardrail) => {
    // An id of the account that is called may be the ordered one; an ARN of another account cannot be an ordered ARN.
    const subscription = name === 'one of another account' ? BY_ARN : GUARDED;
    await expect(run(clientsFor(subscription), { guardrail })).rejects.toEqual(REFUSED);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('the guardrail blocks what it should, and record and answer say so', async () => {
    const answer = await run(clientsFor(GUARDED), {
      prompt: 'A forbidden word',
      guardrail: { ...SAME, trace: 'enabled' },
    });
    expect(answer).toContain(BLOCKED);
    expect(answer).toMatch(/guardrail_intervened|"amazon-bedrock-guardrailAction":"INTERVENED"/);
    expect(answer).toContain('"wordPolicy"');
    expect(onlyRequest(chain).guardrail?.intervened).toBe(true);
    const [operation] = tried.split(',');
    const record = await nextRecord(
      chain.host,
      (told) => told['operation'] === operation && told['guardrailAction'] === 'GUARDRAIL_INTERVENED',
    );
    expect(record).toMatchObject({ subscriptionId: GUARDED.id, status: 200, outcome: 'complete' });
  });
});

describe.each(impossible)('$name, which can carry no guardrail', ({ run }) => {
  it('passes without an order, and is refused with one, whatever the client names', async () => {
    await run(clientsFor(FREE), {});
    expect(onlyRequest(chain).guardrail).toBeUndefined();
    chain.bedrock.reset();
    for (const guardrail of [undefined, SAME, { identifier: OTHER.id, version: '1' }]) {
      await expect(run(clientsFor(GUARDED), { guardrail })).rejects.toEqual(REFUSED);
    }
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});

describe.each(needless)('$name, which generates nothing', ({ run }) => {
  it('passes with an order and without, whatever the client names', async () => {
    for (const subscription of [FREE, GUARDED]) {
      for (const guardrail of [undefined, SAME, { identifier: OTHER.id, version: '1' }]) {
        await run(clientsFor(subscription), { guardrail });
        expect(onlyRequest(chain).guardrail).toBeUndefined();
        chain.bedrock.reset();
      }
    }
  });
});

describe('raw bodies', () => {
  const named = `"guardrailIdentifier":"${ORDERED.id}","guardrailVersion":"3"`;
  const hostile = '"n":1234567890123456789,"d":1,"d":2,"e":"\\u00e9\\/","m":1.0e+400';

  it.each([
    ['empty', '{}', `{"guardrailConfig":{${named}}}`],
    [
      'that no parser keeps',
      `{${hostile}, "messages" : []}\n`,
      `{"guardrailConfig":{${named}},${hostile}, "messages" : []}\n`,
    ],
    [
      'with a configuration of the client',
      `{ "guardrailConfig" : {"streamProcessingMode":"async","trace":"enabled"} ,${hostile}}`,
      `{ "guardrailConfig" : {${named},"streamProcessingMode":"async","trace":"enabled"} ,${hostile}}`,
    ],
    ['with the same one', `{"guardrailConfig":{"trace":null,${named}},"messages":[]}`, undefined],
  ])('%s', async (_name, body, expected = body) => {
    for (const path of [converse, converseStream]) {
      expect(await ask(chain, path, { key: GUARDED.key, body })).toMatchObject({ status: 200 });
      const request = onlyRequest(chain);
      expect(String(request.body)).toBe(expected);
      expect(request.guardrail).toMatchObject({ id: ORDERED.id, version: '3' });
      chain.bedrock.reset();
    }
  });

  it.each([
    [
      'another behind the same',
      400,
      `{"guardrailConfig":{${named}},"guardrailConfig":{"guardrailIdentifier":"gr8other","guardrailVersion":"1"}}`,
    ],
    [
      'another, its name escaped',
      403,
      '{"guardrail\\u0043onfig":{"guardrailIdentifier":"gr8other","guardrailVersion":"1"}}',
    ],
    ['none behind the same, escaped', 400, `{"guardrailConfig":{${named}},"\\u0067uardrailConfig":null}`],
    ['another inside', 400, `{"guardrailConfig":{${named},"guardrailIdentifier":"gr8other"}}`],
    ['another inside, escaped', 400, `{"guardrailConfig":{${named},"guardrailIdentifie\\u0072":"gr8other"}}`],
    [
      'another in an object behind',
      400,
      '{"messages":[]}{"guardrailConfig":{"guardrailIdentifier":"gr8other","guardrailVersion":"1"}}',
    ],
    ['none, by an empty name', 403, '{"guardrailConfig":{"guardrailIdentifier":"","guardrailVersion":""}}'],
    ['none, in another encoding', 400, Buffer.from('{"messages":[]}', 'utf16le')],
    ['none, in what is no JSON', 400, '{"messages":[],}'],
    ['nothing', 400, ''],
  ])('that name %s: %i, and Bedrock hears nothing', async (_name, status, body) => {
    for (const path of [converse, converseStream]) {
      const { answer, record } = await call(chain, path, { key: GUARDED.key, body });
      expect(answer.status).toBe(status);
      expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client' });
    }
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('in chunks, and compressed', async () => {
    const key = GUARDED.key;
    await ask(chain, converse, { key, body: ['{"mess', 'ages":', '[]}'] });
    expect(String(onlyRequest(chain).body)).toBe(`{"guardrailConfig":{${named}},"messages":[]}`);
    const zipped = await ask(chain, converse, { key, headers: { 'content-encoding': 'gzip' } });
    expect(zipped.status).toBe(400);
    expect(chain.bedrock.requests).toHaveLength(1);
  });

  it('headers of a guardrail do nothing for Converse but have to be right, repeated ones are not', async () => {
    const right = { 'x-amzn-bedrock-guardrailidentifier': ORDERED.arn, 'x-amzn-bedrock-guardrailversion': '3' };
    await ask(chain, converse, { key: GUARDED.key, headers: right });
    expect(onlyRequest(chain).headers).not.toHaveProperty('x-amzn-bedrock-guardrailidentifier');
    chain.bedrock.reset();
    for (const identifier of [OTHER.id, [ORDERED.id, OTHER.id], [ORDERED.id, ORDERED.id]]) {
      const headers = { 'X-Amzn-Bedrock-GuardrailIdentifier': identifier };
      for (const path of [converse, `/model/${modelId}/invoke`]) {
        expect(await ask(chain, path, { key: GUARDED.key, headers })).toMatchObject({ status: 403 });
      }
    }
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});

describe('an order', () => {
  it('cannot be given by a client', async () => {
    await ask(chain, converse, { key: FREE.key, headers: { 'x-gateway-guardrail': `${ORDERED.id}:3` } });
    expect(onlyRequest(chain).guardrail).toBeUndefined();
    chain.bedrock.reset();
    await ask(chain, converse, { key: GUARDED.key, headers: { 'x-gateway-guardrail': `${OTHER.id}:1` } });
    expect(onlyRequest(chain).guardrail).toMatchObject({ id: ORDERED.id });
  });

  it('that is malformed is the operator’s mistake: 503, and a line that names it', async () => {
    const { answer, record } = await call(chain, converse, { key: WRONG.key });
    expect([answer.status, String(answer.body)]).toStrictEqual([
      503,
      '{"message":"The gateway\'s header x-gateway-guardrail is malformed: it is not of the form <id or ARN>:<version>."}',
    ]);
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'proxy' });
    expect(chain.host.logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        /"event":"bedrock\.failure".*x-gateway-guardrail is malformed.*"cause":"[^"]*x-gateway-guardrail/,
      ),
    );
    // Also where no guardrail is needed.
    expect(await ask(chain, '/async-invoke', { key: WRONG.key, body: null })).toMatchObject({ status: 503 });
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('of a guardrail that AWS does not have is AWS’s to refuse', async () => {
    const headers = { authorization: `Bearer ${await chain.entra.issueToken()}`, 'x-gateway-guardrail': 'gr0none%3A1' };
    const { status, body } = await ask(chain, converse, { door: 'host', headers });
    expect([status, String(body)]).toStrictEqual([
      400,
      '{"message":"The guardrail identifier or version provided in the request does not exist."}',
    ]);
  });
});
