import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { createTelemetry } from '../../../src/telemetry/open-telemetry.ts';
import type { FinishedRequest } from '../../../src/record/finished-request.ts';
import type { Telemetry } from '../../../src/telemetry/telemetry.ts';
import { type OtlpCollector, startOtlpCollector } from '../../emulators/otlp/collector.ts';

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
    config: { otlp: { protocol: 'http/protobuf' }, ...signals, metricIntervalMs: 3_600_000 },
    server: new URL('https://bedrock-runtime.eu-central-1.amazonaws.com'),
    underWay: () => 7,
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
    attempts: [{ method: 'POST', startedMs: 2, headersMs: 20, status: 200 }],
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

it('a destination that cannot be set up is told of, and the other goes on', async () => {
  const telemetry = createTelemetry({
    config: { otlp: { protocol: 'http/json' }, metrics: true, traces: true, metricIntervalMs: 60_000 },
    server: new URL('https://bedrock-runtime.eu-central-1.amazonaws.com'),
    underWay: () => 0,
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
