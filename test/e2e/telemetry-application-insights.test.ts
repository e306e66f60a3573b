import { randomBytes } from 'node:crypto';

import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterEach, describe, expect, it } from 'vitest';

import { fail } from '../emulators/bedrock/faults.ts';
import { type Chain, type ChainOptions, newKey, startChain } from '../emulators/chain.ts';
import { patientFarewell } from '../support/patient-farewell.ts';
import { nextTelemetryLine, telemetryLines } from '../support/telemetry-lines.ts';
import { ask as askOnce } from '../support/chain-calls.ts';
import { converse, modelId } from '../support/models.ts';

let chain: Chain;
afterEach(() => chain.close());

async function start(options: ChainOptions = {}): Promise<void> {
  chain = await startChain({
    ...patientFarewell(),
    telemetry: 'applicationInsights',
    subscriptions: [{ id: 'team-a', name: 'Équipe A', key: 'key-of-team-a', productId: 'assistants' }],
    ...options,
  });
}

/** Half of them streams. */
async function ask(count: number): Promise<void> {
  const client = new BedrockRuntimeClient(chain.clientConfig());
  for (let index = 0; index < count; index += 1) {
    if (index % 2 === 0) await client.send(new ConverseCommand({ modelId, messages: [] }));
    else {
      const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
      await Array.fromAsync(stream ?? []);
    }
  }
  client.destroy();
}

function sum(name: string, properties: Readonly<Record<string, string>> = {}): number {
  return chain.insights
    .metrics(name)
    .filter((metric) => Object.entries(properties).every(([key, value]) => metric.properties[key] === value))
    .reduce((total, { value }) => total + value, 0);
}

describe('metrics', () => {
  it('are what Bedrock gave out, in deltas, from the identity that the settings name', async () => {
    await start({ settings: { OTEL_METRIC_EXPORT_INTERVAL: '100' } });
    await ask(10);
    await chain.host.stop();
    const given = chain.bedrock.usageGiven().byModel[modelId];
    const mine = { 'apim.subscription.id': 'team-a', 'gen_ai.request.model': modelId };
    expect(sum('gen_ai.client.token.usage', { ...mine, 'gen_ai.token.type': 'input' })).toBe(given?.inputTokens);
    expect(sum('gen_ai.client.token.usage', { ...mine, 'gen_ai.token.type': 'output' })).toBe(given?.outputTokens);
    expect(sum('bedrock.proxy.tokens', { ...mine, 'bedrock.token.kind': 'output' })).toBe(given?.outputTokens);
    expect(sum('bedrock.proxy.requests', { ...mine, 'http.response.status_code': '200' })).toBe(10);
    const calls = chain.insights.metrics('gen_ai.client.operation.duration').map(({ count }) => count);
    expect(calls.reduce((total, count) => total + count, 0)).toBe(10);
    expect(telemetryLines(chain.host)).toStrictEqual([]);

    const clientId = /ClientId=([^;]+)/.exec(
      chain.insights.environment['APPLICATIONINSIGHTS_AUTHENTICATION_STRING'] ?? '',
    )?.[1];
    const tokens = new Set(chain.insights.requests.map(({ headers }) => headers.authorization?.replace('Bearer ', '')));
    // Metrics and spans may each have asked for one, at the same moment.
    const owners = new Set([...tokens].map((token) => chain.identity.issued(token ?? '')?.clientId));
    expect([...owners]).toStrictEqual([clientId]);
  });

  it('name who called, and who sends them', async () => {
    await start({ settings: { OTEL_SERVICE_NAME: 'func-contoso' } });
    await ask(1);
    await chain.host.stop();
    const [usage] = chain.insights.metrics('gen_ai.client.token.usage');
    expect(usage?.properties).toStrictEqual({
      'gen_ai.provider.name': 'aws.bedrock',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': modelId,
      'gen_ai.token.type': 'input',
      'aws.region': 'us-east-1',
      'apim.subscription.id': 'team-a',
      'apim.subscription.name': 'Équipe A',
      'apim.product.id': 'assistants',
    });
    for (const { tags } of chain.insights.items) expect(tags['ai.cloud.role']).toBe('func-contoso');
  });
});

describe('traces', () => {
  it('are dependencies in the trace of the caller, and no request', async () => {
    // A sampler that the host's exporter knows and OpenTelemetry does not: the caller's decision holds.
    await start({ settings: { OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage', OTEL_TRACES_SAMPLER_ARG: '0.00' } });
    const traceId = randomBytes(16).toString('hex');
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    expect((await askOnce(chain, converse, { headers })).status).toBe(200);
    await chain.host.stop();
    const dependencies = chain.insights.dependencies();
    expect(dependencies.map(({ tags }) => tags['ai.operation.id'])).toStrictEqual([traceId, traceId]);
    const [toBedrock, own] = dependencies.map(({ data }) => data.baseData);
    expect(own).toMatchObject({ name: 'bedrock-proxy Converse', type: 'InProc', success: true });
    expect(toBedrock).toMatchObject({ name: `chat ${modelId}`, type: 'Http', target: '127.0.0.1', resultCode: '200' });
    expect(dependencies[0]?.tags['ai.operation.parentId']).toBe(own?.id);
    expect(toBedrock?.properties).toMatchObject({
      'gen_ai.usage.output_tokens': '51',
      'apim.subscription.id': 'team-a',
    });
    expect(chain.insights.items.filter(({ data }) => data.baseType === 'RequestData')).toStrictEqual([]);
  });

  it('tell what failed', async () => {
    await start();
    chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
    expect((await askOnce(chain, converse)).status).toBe(429);
    await chain.host.stop();
    for (const { data } of chain.insights.dependencies()) {
      expect(data.baseData.success).toBe(false);
      expect(data.baseData.properties?.['bedrock.proxy.error_type']).toBe('ThrottlingException');
    }
    expect(chain.insights.dependencies()[0]?.data.baseData.resultCode).toBe('429');
  });
});

describe('when not everything is taken', () => {
  it('a part of it is: a line tells that the rest is lost', async () => {
    await start({ settings: { OTEL_TRACES_EXPORTER: 'none' } });
    chain.insights.takeFirstOnly(1);
    await ask(2);
    await chain.host.stop();
    expect(chain.insights.items).toHaveLength(1);
    expect(telemetryLines(chain.host)).toMatchObject([
      { destination: 'applicationInsights', signal: 'metrics', failures: 1, cause: expect.stringContaining('206') },
    ]);
  });

  it('throttled: what was refused is sent again after the time that was asked for', async () => {
    await start({ settings: { OTEL_TRACES_EXPORTER: 'none' } });
    chain.insights.fail(429, { times: 1, retryAfterSeconds: 1 });
    await ask(2);
    await chain.host.stop();
    expect(chain.insights.requests).toHaveLength(2);
    expect(sum('bedrock.proxy.requests')).toBe(2);
    expect(telemetryLines(chain.host)).toStrictEqual([]);
  });

  it.each([
    ['no role at the component', () => chain.insights.fail(403), /403/],
    ['no token', () => chain.identity.fail(500), /Authentication failed/],
    ['nobody there', () => chain.insights.outage(true), /ECONNRESET|socket/i],
  ])('%s: answers go on, and one line tells it for each of metrics and traces', async (_name, begin, cause) => {
    const key = newKey();
    const keys = { AWS_ACCESS_KEY_ID: key.accessKeyId, AWS_SECRET_ACCESS_KEY: key.secretAccessKey };
    await start({
      keys: [key],
      settings: { ...keys, KEY_VAULT_URI: '', OTEL_METRIC_EXPORT_INTERVAL: '2000', OTEL_BSP_SCHEDULE_DELAY: '100' },
    });
    begin();
    await ask(6);
    await nextTelemetryLine(chain.host, 'metrics');
    await nextTelemetryLine(chain.host, 'traces');
    await chain.host.stop();
    expect(chain.insights.items).toStrictEqual([]);
    const [first, second, ...others] = telemetryLines(chain.host).toSorted((one, other) =>
      String(one['signal']) < String(other['signal']) ? -1 : 1,
    );
    expect(others).toStrictEqual([]);
    expect([first, second]).toMatchObject([
      { destination: 'applicationInsights', signal: 'metrics', cause: expect.stringMatching(cause) },
      { destination: 'applicationInsights', signal: 'traces', cause: expect.stringMatching(cause) },
    ]);
  });
});
