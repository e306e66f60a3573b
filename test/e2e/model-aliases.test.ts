import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { GUARDRAILS } from '../emulators/bedrock/guardrails.ts';
import type { ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { ask, call } from '../support/chain-calls.ts';
import { type Clients, clientsOf } from '../support/gateway-clients.ts';
import { pricedModel as HAIKU } from '../support/models.ts';
import { onlyRequest } from '../support/only-request.ts';
import { OPERATION_CALLS } from '../support/operation-calls.ts';

const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6';
const ALIASES = `team-default=us.${HAIKU}, team-own=${PROFILE}, dear=made.up-v1`;
const [GUARDRAIL] = GUARDRAILS;

const TEAM = { id: 'team', key: 'key-of-team' };
const LIMITED = { id: 'limited', key: 'key-of-limited' };
const WRONG = { id: 'wrong', key: 'key-of-wrong' };
const OTHERS = { id: 'others', key: 'key-of-others' };

function ordered(id: string, orders: Readonly<Record<string, string>>): string {
  const variables = Object.entries(orders).map(
    ([name, value]) => `<set-variable name="bedrock-${name}" value="${value}" />`,
  );
  return `<when condition='@(context.Subscription.Id == "${id}")'>${variables.join('')}</when>`;
}

const POLICY = globalPolicy({
  inbound: `<choose>${[
    ordered(TEAM.id, { 'model-aliases': ALIASES }),
    ordered(LIMITED.id, {
      'model-aliases': ALIASES,
      'allowed-models': `us.anthropic.*,${PROFILE}`,
      budgets: 'cost/month=1000',
      guardrail: `${GUARDRAIL.id}:3`,
    }),
    ordered(WRONG.id, { 'model-aliases': `team*=${HAIKU}` }),
  ].join('')}</choose>`,
});

let chain: Chain;
let clients: Clients;

beforeAll(async () => {
  chain = await startChain({
    subscriptions: [TEAM, LIMITED, WRONG, OTHERS],
    globalPolicy: POLICY,
    settings: { REQUEST_METADATA: 'true' },
  });
  clients = clientsOf(chain, TEAM.key);
});
afterAll(async () => {
  clients.aws.destroy();
  await chain.close();
});
afterEach(() => chain.bedrock.reset());

/** The model that Bedrock was asked for, wherever the operation has it. */
function modelOf({ modelId, body }: ReceivedRequest): string | undefined {
  return modelId ?? (JSON.parse(String(body)) as { modelId?: string }).modelId;
}

const withModel = Object.entries(OPERATION_CALLS).filter(([name]) =>
  /^(?:Converse|Invoke(?:Model)|CountTokens|StartAsync|Chat|Responses|Messages|CountMessage)/.test(name),
);

describe.each(withModel)('%s', (_name, run) => {
  it.each([
    ['team-default', `us.${HAIKU}`],
    ['team-own', PROFILE],
    ['team', 'team'],
    ['team-defaults', 'team-defaults'],
    [HAIKU, HAIKU],
    [PROFILE, PROFILE],
  ])('of %s', async (model, used) => {
    const answer = await run(clients, { model });
    expect(modelOf(onlyRequest(chain))).toBe(used);
    // What an answer calls its model is Bedrock's to say.
    expect(answer).not.toContain('"team-default"');
  });
});

it('twelve kinds of calls have a model', () => {
  expect(withModel).toHaveLength(12);
});

const chat = '/openai/v1/chat/completions';
const messagesRoute = '/anthropic/v1/messages';

describe('the record', () => {
  it.each([
    ['in the path', '/model/team-default/converse', '{"messages":[]}'],
    ['in the path, streamed', '/model/team-default/converse-stream', '{"messages":[]}'],
    ['in the body', chat, '{"model":"team-default","messages":[]}'],
    ['in the body, streamed', messagesRoute, '{"model":"team-default","messages":[],"stream":true}'],
  ])('has what was asked for and what was called, and the cost of the latter: %s', async (_name, path, body) => {
    const { record } = await call(chain, path, { key: TEAM.key, body });
    expect(record).toMatchObject({
      status: 200,
      modelId: 'team-default',
      resolvedModelId: `us.${HAIKU}`,
      modelType: 'inference-profile',
      foundationModelId: HAIKU,
      estimatedCost: expect.any(Number),
    });
  });

  it('has only the one where no alias was asked for', async () => {
    const { record } = await call(chain, chat, { key: TEAM.key, body: `{"model":"${HAIKU}"}` });
    expect(record).toMatchObject({ modelId: HAIKU });
    expect(record).not.toHaveProperty('resolvedModelId');
  });
});

describe('allowed models and budgets go by the model behind the alias', () => {
  it.each([
    ['team-default', 200],
    ['team-own', 403, 'has no price'],
    [`us.${HAIKU}`, 200],
    ['dear', 403, 'no price'],
    [HAIKU, 403, 'does not allow this model'],
    ['amazon.nova-lite-v1:0', 403, 'does not allow this model'],
    ['team', 403, 'no price'],
  ])('%s: %i', async (model, status, text = '') => {
    for (const [path, body] of [
      [`/model/${encodeURIComponent(model)}/converse`, '{"messages":[]}'],
      [chat, JSON.stringify({ model, messages: [] })],
      [messagesRoute, JSON.stringify({ model, messages: [] })],
    ] as const) {
      const answer = await ask(chain, path, { key: LIMITED.key, body });
      expect([path, answer.status]).toStrictEqual([path, status]);
      expect(String(answer.body)).toContain(text);
      expect(chain.bedrock.requests).toHaveLength(status === 200 ? 1 : 0);
      chain.bedrock.reset();
    }
  });

  it('with request metadata and a guardrail in one body', async () => {
    const body = '{"messages":[],"requestMetadata":{"a":"b"}}';
    expect(await ask(chain, '/model/team-default/converse', { key: LIMITED.key, body })).toMatchObject({ status: 200 });
    const request = onlyRequest(chain);
    expect(request).toMatchObject({
      modelId: `us.${HAIKU}`,
      guardrail: { id: GUARDRAIL.id, version: '3' },
      requestMetadata: { a: 'b', subscriptionId: LIMITED.id },
    });
    expect(String(request.body)).toBe(
      `{"guardrailConfig":{"guardrailIdentifier":"${GUARDRAIL.id}","guardrailVersion":"3"},` +
        '"messages":[],"requestMetadata":{"a":"b","subscriptionId":"limited"}}',
    );
  });
});

describe('raw bodies', () => {
  it.each([
    [
      'all else stays as it is',
      ' { "n":1234567890123456789,"d":1,"d":2,"model" : "team-default" ,"e":"\\u00e9\\/","x":{"model":"team-own"}}\n',
      ` { "n":1234567890123456789,"d":1,"d":2,"model" : "us.${HAIKU}" ,"e":"\\u00e9\\/","x":{"model":"team-own"}}\n`,
    ],
    ['escapes', '{"mod\\u0065l":"team\\u002ddefault"}', `{"mod\\u0065l":"us.${HAIKU}"}`],
    ['no alias', '{ "model":"amazon.nova-lite-v1:0","n":1.0e+400}', '{ "model":"amazon.nova-lite-v1:0","n":1.0e+400}'],
  ])('%s', async (_name, body, expected) => {
    for (const path of [chat, messagesRoute]) {
      expect(await ask(chain, path, { key: TEAM.key, body })).toMatchObject({ status: 200 });
      expect(String(onlyRequest(chain).body)).toBe(expected);
      chain.bedrock.reset();
    }
  });

  it.each([
    ['two models', '{"model":"team-default","model":"made.up-v1"}'],
    ['two models, one escaped', '{"model":"team-default","mode\\u006c":"made.up-v1"}'],
    ['no model', '{"messages":[]}'],
    ['no text', '{"model":["team-default"]}'],
    ['another object behind', '{"model":"team-default"}{"model":"made.up-v1"}'],
    ['no JSON', '{model:"team-default"}'],
    ['another encoding', Buffer.from('{"model":"team-default"}', 'utf16le')],
  ])('of which two readings are possible are refused: %s', async (_name, body) => {
    for (const path of [chat, messagesRoute]) {
      const { answer } = await call(chain, path, { key: TEAM.key, body });
      expect(answer.status).toBe(400);
    }
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});

describe('an order', () => {
  it('is for those for whom it is given', async () => {
    const { record } = await call(chain, '/model/team-default/converse', { key: OTHERS.key });
    expect(onlyRequest(chain).modelId).toBe('team-default');
    expect(record).not.toHaveProperty('resolvedModelId');
  });

  it('cannot be given by a client', async () => {
    const headers = { 'x-gateway-model-aliases': `cheap=${HAIKU}` };
    await ask(chain, '/model/cheap/converse', { key: OTHERS.key, headers });
    expect(onlyRequest(chain).modelId).toBe('cheap');
  });

  it('that is malformed is the operator’s mistake: 503, and a line that names it', async () => {
    const { answer } = await call(chain, chat, { key: WRONG.key, body: `{"model":"${HAIKU}"}` });
    expect([answer.status, JSON.parse(String(answer.body))]).toMatchObject([
      503,
      {
        message:
          "The gateway's header x-gateway-model-aliases is malformed: alias 1 is not of the form name=<id or ARN of a model>.",
      },
    ]);
    expect(chain.host.logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/"event":"bedrock\.failure".*x-gateway-model-aliases is malformed/),
    );
    expect(chain.bedrock.requests).toHaveLength(0);
  });
});
