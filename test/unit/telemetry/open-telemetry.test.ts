import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { createTelemetry } from '../../../src/telemetry/open-telemetry.ts';
import type { FinishedRequest } from '../../../src/record/finished-request.ts';
import type { Telemetry } from '../../../src/telemetry/telemetry.ts';
import { type OtlpCollector, startOtlpCollector } from '../../emulators/otlp/collector.ts';
import { firstCells } from '../../support/reference.ts';

const SERVER = { region: 'eu-central-1', origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com' };

let collector: OtlpCollector;
let failures: unknown[];

beforeEach(async () => {
  failures = [];
  collector = await startOtlpCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

function start(signals: { metrics: boolean; traces: boolean }): Telemetry {
  return createTelemetry({
    config: { otlp: { protocol: 'http/protobuf' }, conventions: 'released', ...signals, metricIntervalMs: 3_600_000 },
    inFlight: () => 7,
    report: (...failure) => failures.push(failure),
  });
}

function finished(subscriptionId: string, modelId: string): FinishedRequest {
  return {
    record: {
      event: 'bedrock.request',
      time: '2026-11-23T07:21:15.196Z',
      requestId: '4c094954-0000-4000-8000-000000000000',
      region: 'eu-central-1',
      subscriptionId,
      operation: 'ConverseStream',
      modelId,
      status: 200,
      outcome: 'complete',
      streamed: true,
      inputTokens: 10,
      outputTokens: 20,
      firstTokenMs: 30,
      durationMs: 400,
    },
    startedAt: Date.parse('2026-11-23T07:21:15.196Z'),
    attempts: [{ method: 'POST', ...SERVER, startedMs: 2, headersMs: 20, status: 200 }],
    lastByteMs: 399,
  };
}

it('thousands of subscriptions with several models each are series of their own, none is lost in a sum of the rest', async () => {
  const telemetry = start({ metrics: true, traces: false });
  const [subscriptions, models] = [3000, ['a.one', 'b.two']];
  for (let number = 0; number < subscriptions; number += 1) {
    for (const model of models) telemetry.observe(finished(`subscription-${number}`, model));
  }
  await telemetry.flush();
  expect(failures).toStrictEqual([]);
  for (const [name, types] of [
    ['gen_ai.client.token.usage', 2],
    ['bedrock.proxy.tokens', 2],
    ['gen_ai.client.operation.duration', 1],
    ['gen_ai.server.time_to_first_token', 1],
    ['bedrock.proxy.requests', 1],
  ] as const) {
    const series = collector.latest(name);
    expect(series.filter(({ attributes }) => 'otel.metric.overflow' in attributes)).toStrictEqual([]);
    expect(series).toHaveLength(types * models.length * subscriptions);
  }
  expect(collector.sum('bedrock.proxy.tokens', { 'apim.subscription.id': 'subscription-2999' })).toBe(60);
  expect(collector.sum('bedrock.proxy.active_requests')).toBe(7);
  // A request each holds a part of them: receivers have limits.
  expect(Math.max(...collector.bodies.map(({ length }) => length))).toBeLessThan(4_000_000);
});

it('sums go on from export to export', async () => {
  const telemetry = start({ metrics: true, traces: false });
  for (let round = 1; round <= 3; round += 1) {
    telemetry.observe(finished('team', 'a.one'));
    await telemetry.flush();
    expect(collector.sum('bedrock.proxy.requests')).toBe(round);
  }
  const starts = collector.metrics
    .filter(({ name }) => name === 'bedrock.proxy.requests')
    .map(({ points }) => points[0]?.startTime);
  expect(new Set(starts).size).toBe(1);
});

it('while a collector hangs, spans beyond a few thousand are dropped, and no count is', async () => {
  const telemetry = start({ metrics: true, traces: true });
  collector.hang(true);
  const begun = collector.nextRequest();
  for (let number = 0; number < 20_000; number += 1) telemetry.observe(finished('team', 'a.one'));
  await begun;
  collector.hang(false);
  await telemetry.flush();
  expect(failures).toStrictEqual([]);
  expect(collector.sum('bedrock.proxy.requests')).toBe(20_000);
  // The queue, and what was on its way: 20,000 requests have 40,000 spans.
  expect(collector.spans.length).toBeGreaterThan(1000);
  expect(collector.spans.length).toBeLessThanOrEqual(2048 + 512);
});

it('requests to several regions are told apart, and the answer counts that the caller got', async () => {
  const telemetry = start({ metrics: true, traces: true });
  const one = finished('team', 'a.one');
  const first = { method: 'POST', ...SERVER, startedMs: 2, headersMs: 20, status: 429, requestId: 'first' } as const;
  const second = {
    ...first,
    region: 'eu-west-1',
    origin: 'http://127.0.0.1:8080',
    startedMs: 21,
    status: 200,
    requestId: 'second',
  };
  telemetry.observe({
    ...one,
    record: { ...one.record, region: 'eu-west-1' },
    attempts: [first, second],
    answered: second,
  });
  // The first one's refusal was the answer: the other region does not have the model.
  telemetry.observe({
    ...one,
    record: { ...one.record, status: 429, errorType: 'ThrottlingException', errorSource: 'bedrock' },
    attempts: [first, { ...second, status: 400 }],
    answered: first,
  });
  await telemetry.flush();
  const attempts = (region: string, status: number) =>
    collector.sum('bedrock.proxy.attempts', { 'aws.region': region, 'http.response.status_code': status });
  expect(attempts('eu-central-1', 429)).toBe(2);
  expect([attempts('eu-west-1', 200), attempts('eu-west-1', 400)]).toStrictEqual([1, 1]);
  expect(collector.sum('bedrock.proxy.requests', { 'aws.region': 'eu-west-1' })).toBe(1);
  const calls = collector.spans.filter(({ kind }) => kind === 'client').map(({ attributes }) => attributes);
  expect(calls.map((attributes) => attributes['aws.region'])).toStrictEqual([
    'eu-central-1',
    'eu-west-1',
    'eu-central-1',
    'eu-west-1',
  ]);
  expect(calls[1]).toMatchObject({ 'server.address': '127.0.0.1', 'server.port': 8080, 'aws.request_id': 'second' });
  // Only the answer that was passed on has used tokens, or failed by more than its status.
  expect(calls.map((attributes) => attributes['gen_ai.usage.output_tokens'])).toStrictEqual([
    undefined,
    20,
    20,
    undefined,
  ]);
  expect(calls.map((attributes) => attributes['error.type'])).toStrictEqual([
    '429',
    undefined,
    'ThrottlingException',
    '400',
  ]);
});

it('a region without a connection is an error, which ends when the next one is asked', async () => {
  const telemetry = start({ metrics: false, traces: true });
  const one = finished('team', 'a.one');
  const dead = { method: 'POST', ...SERVER, startedMs: 1 } as const;
  const second = { ...dead, region: 'eu-west-1', startedMs: 301, headersMs: 320, status: 200 };
  telemetry.observe({ ...one, attempts: [dead, second], answered: second });
  await telemetry.flush();
  const calls = collector.spans.filter(({ kind }) => kind === 'client');
  expect(calls.map(({ attributes }) => attributes['error.type'])).toStrictEqual([
    'ServiceUnavailableException',
    undefined,
  ]);
  expect(calls.map(({ start: from, end }) => Number(end - from) / 1e6)).toStrictEqual([300, 98]);
});

describe('the conventions', () => {
  const model: Partial<FinishedRequest['record']> = {
    cacheReadInputTokens: 4,
    cacheWriteInputTokens: 8,
    reasoningTokens: 5,
    stopReason: 'end_turn',
    serviceTier: 'flex',
    guardrailAction: 'NONE',
  };
  const operation = RUNTIME.operations.find(({ name }) => name === 'ConverseStream');
  const counting = RUNTIME.operations.find(({ name }) => name === 'CountTokens');

  async function observe(conventions: 'released' | 'latest') {
    const telemetry = createTelemetry({
      config: {
        otlp: { protocol: 'http/protobuf' },
        metrics: true,
        traces: true,
        conventions,
        metricIntervalMs: 3_600_000,
      },
      inFlight: () => 0,
      report: (...failure) => failures.push(failure),
    });
    if (operation === undefined || counting === undefined) throw new Error('The operations have no rows.');
    const one = finished('team', 'a.one');
    telemetry.observe({ ...one, operation, record: { ...one.record, ...model } });
    const { inputTokens: _i, outputTokens: _o, ...failed } = one.record;
    telemetry.observe({
      ...one,
      operation,
      attempts: [{ method: 'POST', ...SERVER, startedMs: 2, headersMs: 20, status: 429 }],
      record: { ...failed, status: 429, errorType: 'ThrottlingException', errorSource: 'bedrock' },
    });
    telemetry.observe({ ...one, operation: counting, record: { ...failed, operation: 'CountTokens' } });
    await telemetry.flush();
    expect(failures).toStrictEqual([]);
    return [...new Set(collector.metrics.map(({ name }) => name))].filter((name) => name.includes('client')).toSorted();
  }

  it('that are released are the default, and named by their schema', async () => {
    expect(await observe('released')).toStrictEqual(['gen_ai.client.operation.duration', 'gen_ai.client.token.usage']);
    const schemas = new Set([...collector.metrics, ...collector.spans].map(({ schemaUrl }) => schemaUrl));
    expect([...schemas]).toStrictEqual(['https://opentelemetry.io/schemas/gen-ai/1.42.0']);
    expect(collector.sum('bedrock.proxy.tokens', { 'bedrock.service_tier': 'flex' })).toBe(42);
    expect(collector.sum('bedrock.proxy.requests', { 'bedrock.guardrail.action': 'NONE' })).toBe(1);
    const span = collector.spans.find(({ attributes }) => attributes['gen_ai.usage.output_tokens'] === 20);
    expect(span?.attributes).toMatchObject({
      'gen_ai.response.finish_reasons': ['end_turn'],
      'gen_ai.usage.cache_creation.input_tokens': 8,
      'bedrock.guardrail.action': 'NONE',
      'bedrock.service_tier': 'flex',
    });
  });

  it('that are to be the next count as the page describes, and name no schema', async () => {
    const names = await observe('latest');
    const documented = firstCells('metric then', 'src/telemetry/README.md');
    expect(names).toStrictEqual([...documented, 'gen_ai.client.operation.duration'].toSorted());
    expect(new Set([...collector.metrics, ...collector.spans].map(({ schemaUrl }) => schemaUrl))).toStrictEqual(
      new Set(['']),
    );
    const unknown = { 'gen_ai.token.modality': 'unknown' };
    const usage = 'gen_ai.client.inference.usage';
    expect(collector.sum(`${usage}.input_tokens`, unknown)).toBe(22);
    expect(collector.sum(`${usage}.output_tokens`, unknown)).toBe(20);
    expect(collector.sum(`${usage}.cache_read.input_tokens`, unknown)).toBe(4);
    expect(collector.sum(`${usage}.cache_write.input_tokens`, unknown)).toBe(8);
    expect(collector.sum(`${usage}.reasoning.output_tokens`, unknown)).toBe(5);
    // The call that failed has a 0 of its own, and stands in no distribution.
    expect(collector.latest(`${usage}.input_tokens`)).toHaveLength(2);
    const counts = (name: string) =>
      collector.latest(name).reduce((sum, { distribution }) => sum + (distribution?.count ?? 0), 0);
    expect(counts('gen_ai.client.inference.operation.input_tokens')).toBe(1);
    expect(counts('gen_ai.client.inference.operation.output_tokens')).toBe(1);
    expect(counts('gen_ai.client.inference.duration')).toBe(2);
    expect(counts('gen_ai.client.operation.duration')).toBe(1);
    const span = collector.spans.find(({ attributes }) => attributes['gen_ai.usage.output_tokens'] === 20);
    expect(span?.attributes).toMatchObject({ 'gen_ai.usage.cache_write.input_tokens': 8 });
    expect(span?.attributes).not.toHaveProperty('gen_ai.usage.cache_creation.input_tokens');
  });
});

it('a destination that cannot be set up is told of, and the other goes on', async () => {
  const telemetry = createTelemetry({
    config: {
      otlp: { protocol: 'http/json' },
      metrics: true,
      traces: true,
      conventions: 'released',
      metricIntervalMs: 60_000,
    },
    inFlight: () => 0,
    report: (...failure) => failures.push(failure.slice(0, 2)),
    applicationInsights: () => {
      throw new Error('The connection string is of no use.');
    },
  });
  telemetry.observe(finished('team', 'a.one'));
  await telemetry.flush();
  expect(failures).toStrictEqual([['exporters', 'setup']]);
  expect(collector.sum('bedrock.proxy.requests')).toBe(1);
});
