import { randomBytes } from 'node:crypto';

import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { controlled } from '../emulators/bedrock/controlled.ts';
import { closeBeforeHeaders, cutAt, fail, splitAt } from '../emulators/bedrock/faults.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { type Chain, newKey, startChain, withApiKey } from '../emulators/chain.ts';
import type { ReceivedSpan } from '../emulators/otlp/data.ts';
import { begin, call } from '../support/chain-calls.ts';
import { nextChunk } from '../support/raw-client.ts';
import { nextRecord } from '../support/records.ts';
import { firstCells } from '../support/reference.ts';
import { modelId } from '../support/models.ts';
import { patientFarewell } from '../support/patient-farewell.ts';
import { DEADLINES_BY_HAND, thenPassDeadlines } from '../support/worker-deadlines.ts';

/** The first two only ask, and their sums are compared; what goes wrong happens to the third. */
const SUBSCRIPTIONS = [
  { id: 'team-a', name: 'Équipe A', key: 'key-of-team-a', productId: 'assistants' },
  { id: 'team-b', key: 'key-of-team-b' },
  { id: 'team-c', name: 'Team C', key: 'key-of-team-c' },
];
const MODELS = [modelId, 'us.meta.llama3-1-70b-instruct-v1:0', 'amazon.nova-lite-v1:0'];
const CALLS = 20;

const chat = { max_tokens: 9, messages: [{ role: 'user', content: 'hello' }] };
const messages = [{ role: 'user', content: [{ text: 'hello' }] }];

/** A trace that a client of the gateway has begun. */
interface ClientTrace {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceparent: string;
}

function newTrace(flags = '01'): ClientTrace {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

let chain: Chain;

/** Calls as the third team within a trace of its own, and waits for the end of it. */
async function callTraced(path: string, body: object | string | null, headers: Record<string, string> = {}) {
  const trace = newTrace();
  const { traceparent } = trace;
  await call(chain, path, { key: 'key-of-team-c', body, headers: { traceparent, ...headers } });
  return trace;
}

const EVENT = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } });

/** The function's own span of a trace, and those of its calls of Bedrock, in their order. */
function spansOf({ traceId }: ClientTrace): { own: ReceivedSpan; calls: ReceivedSpan[] } {
  const spans = chain.collector.spans.filter((span) => span.traceId === traceId);
  const [own, ...others] = spans.filter(({ kind }) => kind === 'internal');
  expect(others).toStrictEqual([]);
  if (own === undefined) throw new Error('There is no span of the function.');
  const calls = spans.filter(({ kind }) => kind === 'client').toSorted((one, other) => Number(one.start - other.start));
  expect(spans).toHaveLength(1 + calls.length);
  return { own, calls };
}

describe.each([
  ['protobuf', {}],
  ['JSON, compressed', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
])('OTLP, %s', (encoding, settings) => {
  const traces: Record<string, ClientTrace> = {};

  beforeAll(async () => {
    const patient = patientFarewell();
    chain = await startChain({
      ...patient,
      subscriptions: SUBSCRIPTIONS,
      telemetry: 'otlp',
      nodeArguments: [...DEADLINES_BY_HAND, ...patient.nodeArguments],
      settings: {
        UPSTREAM_HEADERS_TIMEOUT_SECONDS: '200',
        OTEL_SERVICE_NAME: 'func-contoso',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-otlp-key=key%20of%20the%20collector',
        WEBSITE_SITE_NAME: 'bedrock-site',
        WEBSITE_SKU: 'FlexConsumption',
        REGION_NAME: 'West Europe',
        ...settings,
      },
    });
    await Promise.all(SUBSCRIPTIONS.slice(0, 2).map(askAll));
    await goWrong();
    await chain.host.stop();
  });
  afterAll(() => chain.close());

  async function askAll({ key }: { key: string }) {
    const client = new BedrockRuntimeClient({ ...chain.clientConfig(), requestHandler: withApiKey(key) });
    const cached = [{ text: 'Be brief. '.repeat(10) }, { cachePoint: { type: 'default' as const } }];
    await Promise.all(
      Array.from({ length: CALLS }, async (_, index) => {
        const asked = MODELS[index % MODELS.length] ?? '';
        const input = { modelId: asked, messages: [], ...(index % 5 === 0 ? { system: cached } : {}) };
        if (index % 2 === 0) return client.send(new ConverseCommand(input));
        const { stream } = await client.send(new ConverseStreamCommand(input));
        return Array.fromAsync(stream ?? []);
      }),
    );
    client.destroy();
  }

  async function goWrong() {
    const scripted = async (name: string, responder: Responder, path: string) => {
      chain.bedrock.answer(responder);
      traces[name] = await callTraced(path, { messages });
    };
    const converse = `/model/${modelId}/converse`;
    traces['good'] = await callTraced(`${converse}-stream`, { messages }, { tracestate: 'vendor=opaque' });
    traces['unsampled'] = newTrace('00');
    await callTraced(converse, { messages }, { traceparent: traces['unsampled'].traceparent });
    await callTraced(converse, { messages }, { traceparent: 'nonsense' });
    await scripted('throttled', fail(429, 'ThrottlingException', 'Slow down.'), converse);
    await scripted('no connection', closeBeforeHeaders, converse);
    await scripted('no headers', thenPassDeadlines(chain.host), converse);
    await scripted('cut', cutAt(1500), `${converse}-stream`);
    traces['refused'] = await callTraced('/model/a%20b/converse', {});
    traces['unknown'] = await callTraced('/model/a/no-such-operation', {});
    traces['unknown model'] = await callTraced('/model/made-up-by-a-caller/converse', '"not an object"');

    const key = newKey();
    chain.vault.set('aws-credentials', JSON.stringify(key));
    chain.bedrock.setKeys([key]);
    traces['keys replaced'] = await callTraced(converse, { messages });

    const left = controlled();
    chain.bedrock.answer(left.responder);
    const trace = newTrace();
    const { traceparent } = trace;
    const leaving = begin(chain, `${converse}-stream`, { key: 'key-of-team-c', headers: { traceparent } });
    await left.send(EVENT);
    await nextChunk(await leaving.response);
    leaving.request.destroy();
    await nextRecord(chain.host, (record) => record['outcome'] === 'clientClosed');
    traces['caller left'] = trace;

    const usage = {
      inputTokens: 1,
      outputTokens: 2,
      totalTokens: 15,
      cacheReadInputTokens: 4,
      cacheWriteInputTokens: 8,
    };
    const cacheDetails = [
      { ttl: '5m', inputTokens: 5 },
      { ttl: '1h', inputTokens: 2 },
    ];
    await scripted(
      'all kinds',
      splitAt(9, Buffer.from(JSON.stringify({ usage: { ...usage, cacheDetails } })), {
        'content-type': 'application/json',
      }),
      '/model/all-kinds/converse',
    );
    await scripted(
      'reasoning',
      splitAt(
        9,
        Buffer.from(
          JSON.stringify({
            usage: { prompt_tokens: 3, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 6 } },
          }),
        ),
        { 'content-type': 'application/json' },
      ),
      '/openai/v1/chat/completions',
    );
    const anthropic = { ...chat, anthropic_version: 'bedrock-2023-05-31' };
    traces['invoke'] = await callTraced(`/model/${modelId}/invoke`, anthropic);
    traces['embed'] = await callTraced('/model/amazon.titan-embed-text-v2:0/invoke', { inputText: 'hello' });
    traces['count'] = await callTraced(`/model/${modelId}/count-tokens`, { input: { converse: { messages } } });
    traces['list'] = await callTraced('/async-invoke', null);
  }

  describe('metrics', () => {
    it('come in the encoding that was asked for, with the headers that were', () => {
      const types = new Set(chain.collector.requests.map(({ headers }) => headers['content-type']));
      expect([...types]).toStrictEqual([encoding === 'protobuf' ? 'application/x-protobuf' : 'application/json']);
      for (const { headers } of chain.collector.requests) {
        expect(headers['content-encoding']).toBe(encoding === 'protobuf' ? undefined : 'gzip');
        expect(headers['x-otlp-key']).toBe('key of the collector');
      }
    });

    it('name who sends them', () => {
      for (const { resource, scope, schemaUrl } of [...chain.collector.metrics, ...chain.collector.spans]) {
        expect(resource).toMatchObject({
          'service.name': 'func-contoso',
          'service.version': '1.0.0',
          'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
          'deployment.environment.name': 'test',
          'cloud.provider': 'azure',
          'cloud.region': 'West Europe',
        });
        expect(scope).toBe('bedrock-proxy');
        expect(schemaUrl).toBe('https://opentelemetry.io/schemas/gen-ai/1.42.0');
      }
    });

    it.each([
      ['gen_ai.client.token.usage', '{token}', 14],
      ['gen_ai.client.operation.duration', 's', 14],
      ['gen_ai.server.request.duration', 's', 14],
      ['gen_ai.server.time_to_first_token', 's', 16],
      ['gen_ai.server.time_per_output_token', 's', 13],
      ['bedrock.proxy.tokens', '{token}', undefined],
      ['bedrock.proxy.reasoning_tokens', '{token}', undefined],
      ['bedrock.proxy.requests', '{request}', undefined],
      ['bedrock.proxy.active_requests', '{request}', undefined],
    ])('%s has the unit %s', (name, unit, boundaries) => {
      const metric = chain.collector.metrics.find((candidate) => candidate.name === name);
      expect(metric).toMatchObject({
        unit,
        kind: boundaries === undefined ? 'sum' : 'histogram',
        temporality: 'cumulative',
      });
      expect(metric?.points[0]?.distribution?.bounds.length).toBe(boundaries);
      expect(metric?.monotonic).toBe(boundaries === undefined && name !== 'bedrock.proxy.active_requests');
    });

    it('are those that the page describes', () => {
      expect([...new Set(chain.collector.metrics.map(({ name }) => name))].toSorted()).toStrictEqual(
        firstCells('metric', 'src/telemetry/README.md').toSorted(),
      );
    });

    it('the tokens of each model are what Bedrock gave out, counted as the conventions count', () => {
      const teams = ['team-a', 'team-b'];
      const sum = (name: string, attributes: object) =>
        teams.reduce(
          (total, team) => total + chain.collector.sum(name, { ...attributes, 'apim.subscription.id': team }),
          0,
        );
      // The third team has asked one of them, too.
      for (const model of MODELS.filter((candidate) => candidate !== modelId)) {
        const given = chain.bedrock.usageGiven().byModel[model];
        if (given === undefined) throw new Error(`${model} was not asked.`);
        const ofModel = { 'gen_ai.request.model': model };
        const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens } = given;
        const { cacheWrite5mInputTokens, cacheWrite1hInputTokens } = given;
        expect(cacheReadInputTokens).toBeGreaterThan(0);
        expect(sum('gen_ai.client.token.usage', { ...ofModel, 'gen_ai.token.type': 'input' })).toBe(
          inputTokens + cacheReadInputTokens + cacheWriteInputTokens,
        );
        expect(sum('gen_ai.client.token.usage', { ...ofModel, 'gen_ai.token.type': 'output' })).toBe(outputTokens);
        const byKind = (kind: string) => sum('bedrock.proxy.tokens', { ...ofModel, 'bedrock.token.kind': kind });
        const kinds = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write'];
        expect(kinds.map(byKind)).toStrictEqual([
          inputTokens,
          outputTokens,
          cacheReadInputTokens,
          cacheWrite5mInputTokens,
          cacheWrite1hInputTokens,
          cacheWriteInputTokens - cacheWrite5mInputTokens - cacheWrite1hInputTokens,
        ]);
      }
    });

    it('each team has its calls, by its id, name and product', () => {
      for (const [team, name, product] of [
        ['team-a', 'Équipe A', 'assistants'],
        ['team-b', undefined, undefined],
      ]) {
        const points = chain.collector
          .latest('gen_ai.client.operation.duration')
          .filter(({ attributes }) => attributes['apim.subscription.id'] === team);
        expect(points.reduce((count, { distribution }) => count + (distribution?.count ?? 0), 0)).toBe(CALLS);
        for (const { attributes } of points) {
          expect(attributes['apim.subscription.name']).toBe(name);
          expect(attributes['apim.product.id']).toBe(product);
          expect(attributes).toMatchObject({
            'gen_ai.provider.name': 'aws.bedrock',
            'gen_ai.operation.name': 'chat',
            'aws.region': 'us-east-1',
          });
          expect(attributes).not.toHaveProperty('error.type');
        }
        expect(chain.collector.sum('bedrock.proxy.requests', { 'apim.subscription.id': team ?? '' })).toBe(CALLS);
      }
    });

    it('the first token of each stream was timed, and the others', () => {
      const ofTeamA = (name: string) =>
        chain.collector
          .latest(name)
          .filter(({ attributes }) => attributes['apim.subscription.id'] === 'team-a')
          .reduce((count, { distribution }) => count + (distribution?.count ?? 0), 0);
      expect(ofTeamA('gen_ai.server.time_to_first_token')).toBe(CALLS / 2);
      expect(ofTeamA('gen_ai.server.time_per_output_token')).toBe(CALLS / 2);
      expect(ofTeamA('gen_ai.server.request.duration')).toBe(CALLS);
    });

    it('tokens by kind tell the times to live apart, and reasoning from output', () => {
      const kind = (name: string) =>
        chain.collector.sum('bedrock.proxy.tokens', {
          'gen_ai.request.model': 'all-kinds',
          'bedrock.token.kind': name,
        });
      expect(
        ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h', 'cache_write'].map(kind),
      ).toStrictEqual([1, 2, 4, 5, 2, 1]);
      const usage = { 'gen_ai.request.model': 'all-kinds', 'gen_ai.token.type': 'input' };
      expect(chain.collector.sum('gen_ai.client.token.usage', usage)).toBe(13);
      expect(chain.collector.sum('bedrock.proxy.reasoning_tokens')).toBe(6);
    });

    it('a model that Bedrock has not confirmed is no series', () => {
      const models = new Set(
        chain.collector.metrics.flatMap(({ points }) =>
          points.map(({ attributes }) => attributes['gen_ai.request.model']),
        ),
      );
      expect([...models].toSorted()).toStrictEqual(
        [...MODELS, 'all-kinds', 'amazon.titan-embed-text-v2:0', '_other', undefined].toSorted(),
      );
    });

    it.each([
      [
        'throttled',
        {
          'bedrock.proxy.error_source': 'bedrock',
          'error.type': 'ThrottlingException',
          'http.response.status_code': 429,
        },
      ],
      [
        'no connection',
        {
          'bedrock.proxy.outcome': 'upstreamBroke',
          'error.type': 'ServiceUnavailableException',
          'bedrock.operation': 'Converse',
        },
      ],
      ['no headers', { 'bedrock.proxy.outcome': 'timedOut', 'error.type': 'ModelTimeoutException' }],
      ['cut', { 'bedrock.proxy.outcome': 'upstreamBroke', 'bedrock.operation': 'ConverseStream' }],
      ['caller left', { 'bedrock.proxy.outcome': 'clientClosed', 'error.type': 'ClientClosed' }],
      [
        'refused',
        {
          'bedrock.proxy.outcome': 'refused',
          'error.type': 'ValidationException',
          'bedrock.proxy.error_source': 'client',
        },
      ],
      ['unknown', { 'error.type': 'UnknownOperationException', 'http.response.status_code': 404 }],
    ])('%s: one request, counted by how it ended', (_name, attributes) => {
      expect(chain.collector.sum('bedrock.proxy.requests', { ...attributes, 'apim.subscription.id': 'team-c' })).toBe(
        1,
      );
    });

    it('no request is under way at the end', () => {
      expect(chain.collector.sum('bedrock.proxy.active_requests')).toBe(0);
    });
  });

  describe('spans', () => {
    const of = (name: string) => spansOf(traces[name] ?? newTrace());

    it('client, host, function and the call of Bedrock are one trace', () => {
      const { own, calls } = of('good');
      const [toBedrock] = calls;
      // The host's own span is between: the client's is not the parent.
      expect(own.parentSpanId).toMatch(/^[0-9a-f]{16}$/);
      expect(own.parentSpanId).not.toBe(traces['good']?.spanId);
      expect(toBedrock?.parentSpanId).toBe(own.spanId);
      expect([own.traceState, toBedrock?.traceState]).toStrictEqual(['vendor=opaque', 'vendor=opaque']);
    });

    it('a good stream, with everything that is known of it', () => {
      const { own, calls } = of('good');
      expect(own).toMatchObject({ name: 'bedrock-proxy ConverseStream', error: false });
      expect(own.attributes).toStrictEqual({
        'bedrock.operation': 'ConverseStream',
        'bedrock.operation_group': 'inference',
        'bedrock.proxy.outcome': 'complete',
        'apim.request.id': expect.any(String),
        'faas.invocation_id': expect.any(String),
        'http.response.status_code': 200,
        'apim.subscription.id': 'team-c',
        'apim.subscription.name': 'Team C',
      });
      const given = chain.bedrock.requests.find(({ target }) => target.endsWith('/converse-stream'));
      expect(given).toBeDefined();
      const url = new URL(chain.bedrock.url);
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ name: `chat ${modelId}`, error: false });
      expect(calls[0]?.attributes).toStrictEqual({
        'gen_ai.provider.name': 'aws.bedrock',
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': modelId,
        'aws.region': 'us-east-1',
        'server.address': url.hostname,
        'server.port': Number(url.port),
        'apim.subscription.id': 'team-c',
        'apim.subscription.name': 'Team C',
        'bedrock.operation': 'ConverseStream',
        'bedrock.operation_group': 'inference',
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'aws.request_id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'gen_ai.request.stream': true,
        'gen_ai.response.finish_reasons': ['end_turn'],
        'gen_ai.response.time_to_first_chunk': expect.any(Number),
        'gen_ai.usage.input_tokens': Math.ceil(JSON.stringify({ messages }).length / 4),
        'gen_ai.usage.output_tokens': 51,
        'gen_ai.usage.cache_read.input_tokens': 0,
        'gen_ai.usage.cache_creation.input_tokens': 0,
      });
    });

    it('the model, as the answer calls it', () => {
      const [toBedrock] = of('invoke').calls;
      expect(toBedrock?.attributes).toMatchObject({
        'gen_ai.request.model': modelId,
        'gen_ai.response.model': modelId,
      });
    });

    it('the call of Bedrock lies within the function’s part', () => {
      const { own, calls } = of('keys replaced');
      for (const { start, end } of calls) {
        expect(start).toBeGreaterThanOrEqual(own.start);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(own.end);
      }
    });

    it('keys that AWS refuses make two calls: the first failed, the second did not', () => {
      const { own, calls } = of('keys replaced');
      expect(own.error).toBe(false);
      expect(
        calls.map(({ error, attributes }) => [
          error,
          attributes['http.response.status_code'],
          attributes['error.type'],
        ]),
      ).toStrictEqual([
        [true, 403, '403'],
        [false, 200, undefined],
      ]);
      expect(calls[1]?.attributes).toMatchObject({ 'http.request.resend_count': 1, 'gen_ai.usage.output_tokens': 51 });
      expect(calls[0]?.attributes).not.toHaveProperty('gen_ai.usage.output_tokens');
      expect(calls[0]?.attributes['aws.request_id']).not.toBe(calls[1]?.attributes['aws.request_id']);
    });

    it.each([
      ['throttled', true, 'chat _other', { 'error.type': 'ThrottlingException', 'http.response.status_code': 429 }],
      ['no connection', true, 'chat _other', { 'error.type': 'ServiceUnavailableException' }],
      ['no headers', true, 'chat _other', { 'error.type': 'ModelTimeoutException' }],
      [
        'cut',
        true,
        `chat ${modelId}`,
        { 'error.type': 'ServiceUnavailableException', 'http.response.status_code': 200 },
      ],
      ['unknown model', true, 'chat _other', { 'error.type': 'ValidationException' }],
    ])('%s: failed, both of them', (name, error, spanName, attributes) => {
      const { own, calls } = of(name);
      expect(own).toMatchObject({ error, statusMessage: '' });
      expect(calls).toHaveLength(1);
      expect(calls[0]).toMatchObject({ error, name: spanName, statusMessage: '' });
      expect(calls[0]?.attributes).toMatchObject(attributes);
    });

    it.each(['refused', 'unknown'])('%s: the caller’s mistake is no failure, and Bedrock never saw it', (name) => {
      const { own, calls } = of(name);
      expect(own.error).toBe(false);
      expect(own.attributes).toMatchObject({
        'bedrock.proxy.outcome': 'refused',
        'bedrock.proxy.error_source': 'client',
      });
      expect(calls).toStrictEqual([]);
    });

    it('a caller that leaves is no failure of Bedrock’s', () => {
      const { own, calls } = of('caller left');
      expect([own.error, calls[0]?.error]).toStrictEqual([false, false]);
      expect(own.attributes['bedrock.proxy.outcome']).toBe('clientClosed');
    });

    it('a trace that is not sampled has no spans, and its request is counted', () => {
      expect(chain.collector.spans.filter(({ traceId }) => traceId === traces['unsampled']?.traceId)).toStrictEqual([]);
    });

    it.each([
      ['invoke', `chat ${modelId}`],
      ['embed', 'embeddings amazon.titan-embed-text-v2:0'],
      ['count', `count_tokens ${modelId}`],
      ['list', 'list_async_invokes'],
    ])('%s is named %s', (name, spanName) => {
      expect(of(name).calls.map((span) => span.name)).toStrictEqual([spanName]);
    });

    it('what only counts tokens uses none', () => {
      expect(
        Object.keys(of('count').calls[0]?.attributes ?? {}).filter((name) => name.includes('usage')),
      ).toStrictEqual([]);
    });

    it('none is of the kind SERVER, which would be a second request', () => {
      expect(new Set(chain.collector.spans.map(({ kind }) => kind))).toStrictEqual(new Set(['internal', 'client']));
    });
  });
});
