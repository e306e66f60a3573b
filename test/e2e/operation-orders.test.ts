import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { ask, call } from '../support/chain-calls.ts';
import { converse, modelId } from '../support/models.ts';

const GENERATES = `arn:aws:bedrock:us-east-1::foundation-model/${modelId}`;
const RANKS = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0';

/** Teams by what the gateway orders for them. */
const TEAMS = [
  ['everything', {}],
  ['models', { 'bedrock-allowed-models': `${modelId}, us.*` }],
  ['retrieval', { 'bedrock-operations': 'retrieval, discovery' }],
  ['malformed', { 'bedrock-operations': 'retrieval; discovery' }],
  ['guarded', { 'bedrock-guardrail': 'gr7abc123def:3' }],
  ['money', { 'bedrock-budgets': 'cost/month=1' }],
  ['poor', { 'bedrock-budgets': 'tokens/month=1' }],
] as const;
const keyOf = (team: string) => `key-of-${team}-0123456789abcdef`;

const policy = TEAMS.map(([team, variables]) => {
  const orders = Object.entries(variables).map(([name, value]) => `<set-variable name="${name}" value="${value}" />`);
  return `<choose><when condition='@(context.Subscription?.Id == "${team}")'>${orders.join('')}</when></choose>`;
});

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({
    settings: { OPERATIONS: 'inference,discovery,retrieval,agentcore' },
    subscriptions: TEAMS.map(([id]) => ({ id, key: keyOf(id) })),
    globalPolicy: globalPolicy({
      inbound: policy.filter((each) => each.includes('set-variable')).join(''),
    }),
  });
});
afterAll(() => chain.close());
beforeEach(() => {
  for (const service of [chain.bedrock, ...Object.values(chain.services)]) service.reset();
});

function reached(): number {
  return [chain.bedrock, ...Object.values(chain.services)].reduce((sum, { requests }) => sum + requests.length, 0);
}

const rerank = (modelArn?: string) => ({
  queries: [],
  sources: [],
  rerankingConfiguration: { bedrockRerankingConfiguration: { modelConfiguration: { modelArn } } },
});
const film = (model: string) => ({
  modelId: model,
  modelInput: {},
  outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://bucket' } },
});
const generate = (modelArn: string, ranks?: string) => ({
  input: { text: 'Hi' },
  retrieveAndGenerateConfiguration: { knowledgeBaseConfiguration: { modelArn, ...(ranks && rerank(ranks)) } },
});

describe('a group that is off', () => {
  it.each([
    ['everything', '/agents/a', 'InvokeInlineAgent belongs to the operation group "agents", which is not served here.'],
    [
      'everything',
      '/mantle/v1/responses',
      'Responses belongs to the operation group "mantle", which is not served here.',
    ],
    [
      'retrieval',
      converse,
      'Converse belongs to the operation group "inference", which your subscription does not have.',
    ],
  ])('of %s is 404 that names it: %s', async (team, path, message) => {
    const { answer, record } = await call(chain, path, { key: keyOf(team), body: {} });
    expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([404, 'UnknownOperationException']);
    expect(JSON.parse(String(answer.body))).toMatchObject({ message });
    expect(answer.headers['x-should-retry']).toBe('false');
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client', operationGroup: expect.any(String) });
    expect(reached()).toBe(0);
  });

  it.each([
    ['retrieval', '/rerank', rerank(RANKS)],
    ['retrieval', '/inference-profiles', null],
    ['everything', '/rerank', rerank(RANKS)],
    ['everything', converse, {}],
  ])('but what is on may be called: %s, %s', async (team, path, body) => {
    const answer = await ask(chain, path, { key: keyOf(team), body });
    expect(answer.status).toBe(200);
    expect(reached()).toBe(1);
  });

  it('a client cannot turn it on, by a header of its own', async () => {
    const headers = { 'x-gateway-operations': 'inference' };
    expect((await ask(chain, converse, { key: keyOf('retrieval'), body: {}, headers })).status).toBe(404);
  });

  it.each([converse, '/inference-profiles', '/agents/a'])(
    "a malformed order is the operator's mistake: %s",
    async (path) => {
      const { answer, record } = await call(chain, path, {
        key: keyOf('malformed'),
        body: path === '/inference-profiles' ? null : {},
      });
      expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([503, 'ServiceUnavailableException']);
      expect(String(answer.body)).toContain('x-gateway-operations');
      expect(record).toMatchObject({ errorSource: 'proxy' });
      expect(chain.host.logs.some(({ message }) => message.includes('bedrock.failure'))).toBe(true);
      expect(reached()).toBe(0);
    },
  );
});

describe('allowed models', () => {
  const key = keyOf('models');

  it.each<[string, object]>([
    ['/retrieveAndGenerate', generate(GENERATES)],
    ['/retrieveAndGenerate', generate('us.amazon.nova-lite-v1:0')],
    ['/knowledgebases/KB1/retrieve', { retrievalQuery: { text: 'modelArn' } }],
  ])('hold for what the body names: %s %j passes', async (path, body) => {
    expect((await ask(chain, path, { key, body })).status).toBe(200);
    expect(reached()).toBe(1);
  });

  it.each<[string, object | string]>([
    ['/rerank', rerank(RANKS)],
    ['/rerank', rerank()],
    ['/retrieveAndGenerate', generate(RANKS)],
    ['/retrieveAndGenerateStream', generate(GENERATES, RANKS)],
    ['/retrieveAndGenerate', `{"modelArn":"${GENERATES}","a":{"model\\u0041rn":"${RANKS}"}}`],
    ['/knowledgebases/KB1/retrieve', { retrievalConfiguration: { implicitFilterConfiguration: { modelArn: RANKS } } }],
    ['/agenticRetrieveStream', { foundationModelType: 'MANAGED', modelArn: GENERATES }],
    ['/generateQuery', {}],
    ['/optimize-prompt', { targetModelId: modelId }],
    ['/agentcore/runtimes/a/invocations', {}],
  ])('refuse what is not on the list, or cannot be told: %s %j', async (path, body) => {
    const { answer, record } = await call(chain, path, { key, body });
    expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([403, 'AccessDeniedException']);
    expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client' });
    expect(reached()).toBe(0);
  });

  it('say nothing of what reads no model', async () => {
    expect((await ask(chain, `/foundation-models/${RANKS}`, { key, body: null })).status).toBe(200);
  });
});

describe('a guardrail', () => {
  const key = keyOf('guarded');

  it.each<[string, object]>([
    ['/retrieveAndGenerate', generate(GENERATES)],
    ['/agenticRetrieveStream', { foundationModelType: 'CUSTOM', modelArn: GENERATES }],
    ['/generateQuery', {}],
    ['/agentcore/runtimes/a/invocations', {}],
  ])('refuses what writes and takes none: %s', async (path, body) => {
    const answer = await ask(chain, path, { key, body });
    expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([403, 'AccessDeniedException']);
    expect(reached()).toBe(0);
  });

  it.each<[string, object | null]>([
    ['/rerank', rerank(RANKS)],
    ['/knowledgebases/KB1/retrieve', { retrievalQuery: { text: 'Hi' } }],
    ['/inference-profiles', null],
  ])('lets pass what writes nothing: %s', async (path, body) => {
    expect((await ask(chain, path, { key, body })).status).toBe(200);
  });
});

describe('budgets', () => {
  it('in money need a model with a price, of a retrieval too', async () => {
    const refused = await ask(chain, '/rerank', { key: keyOf('money'), body: rerank('amazon.unheard-of-v1:0') });
    expect(refused.status).toBe(403);
    expect((await ask(chain, '/generateQuery', { key: keyOf('money'), body: {} })).status).toBe(403);
    const async = await ask(chain, '/async-invoke', { key: keyOf('money'), body: film('amazon.unheard-of-v1:0') });
    expect(async.status).toBe(403);
    expect(reached()).toBe(0);
  });

  it('that are used up end what tells no tokens', async () => {
    const key = keyOf('poor');
    expect((await ask(chain, '/rerank', { key, body: rerank(RANKS) })).status).toBe(200);
    expect(
      (await ask(chain, converse, { key, body: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] } })).status,
    ).toBe(200);
    const { answer, record } = await call(chain, '/rerank', { key, body: rerank(RANKS) });
    expect(answer.status).toBe(403);
    expect(record).toMatchObject({ budgetExceeded: 'tokens/month' });
    const async = await ask(chain, '/async-invoke', { key, body: film('amazon.nova-reel-v1:0') });
    expect(async.status).toBe(403);
    expect((await ask(chain, '/async-invoke', { key, body: null })).status).toBe(200);
    expect((await ask(chain, '/inference-profiles', { key, body: null })).status).toBe(200);
  });
});
