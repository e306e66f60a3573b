import type { Attributes, Meter } from '@opentelemetry/api';

import {
  attemptThatCounts,
  callerAttributes,
  type Conventions,
  errorType,
  known,
  operationAttributes,
} from './attributes.ts';
import type { FinishedRequest } from '../record/finished-request.ts';
import { createTokenMetrics } from './token-metrics.ts';

// Bucket boundaries as the conventions advise them.
const SECONDS = Array.from({ length: 14 }, (_, power) => 2 ** power / 100);
const FIRST_TOKEN_SECONDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
const OUTPUT_TOKEN_SECONDS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];

/**
 * The metrics of finished requests.
 *
 * @param inFlight the number of requests in flight
 * @returns takes a finished request
 */
export function createMetrics(
  meter: Meter,
  inFlight: () => number,
  conventions: Conventions,
): (finished: FinishedRequest) => void {
  const histogram = (name: string, unit: string, explicitBucketBoundaries: number[], description: string) =>
    meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries } });
  const addTokens = createTokenMetrics(meter, conventions);
  const operation = histogram('gen_ai.client.operation.duration', 's', SECONDS, 'GenAI operation duration.');
  // What is to be the next version has a metric of its own for calls of a model.
  const inference =
    conventions === 'latest'
      ? histogram('gen_ai.client.inference.duration', 's', SECONDS, 'Duration of an inference.')
      : operation;
  const server = histogram(
    'gen_ai.server.request.duration',
    's',
    SECONDS,
    'Time from the request to Bedrock to the last byte of its answer.',
  );
  const firstToken = histogram(
    'gen_ai.server.time_to_first_token',
    's',
    FIRST_TOKEN_SECONDS,
    'Time to generate first token for successful responses.',
  );
  const outputToken = histogram(
    'gen_ai.server.time_per_output_token',
    's',
    OUTPUT_TOKEN_SECONDS,
    'Time per output token generated after the first token for successful responses.',
  );
  const requests = meter.createCounter('bedrock.proxy.requests', {
    unit: '{request}',
    description: 'Requests by how they ended.',
  });
  const attempted = meter.createCounter('bedrock.proxy.attempts', {
    unit: '{request}',
    description: 'Requests sent to Bedrock, by region and status.',
  });
  meter
    .createObservableUpDownCounter('bedrock.proxy.active_requests', {
      unit: '{request}',
      description: 'Requests under way.',
    })
    .addCallback((result) => result.observe(inFlight()));

  const addTimes = (finished: FinishedRequest, series: Attributes) => {
    const { record, lastByteMs } = finished;
    const { durationMs = 0, firstTokenMs, outcome, outputTokens = 0 } = record;
    const error = errorType(record);
    const withError = error === undefined ? series : { ...series, 'error.type': error };
    (finished.operation?.metering === 'used' ? inference : operation).record(durationMs / 1000, withError);
    const attempt = attemptThatCounts(finished);
    if (attempt === undefined) return;
    const endMs = lastByteMs ?? durationMs;
    server.record(seconds(attempt.startedMs, endMs), withError);
    if (firstTokenMs === undefined) return;
    firstToken.record(seconds(attempt.startedMs, firstTokenMs), series);
    if (outcome === 'complete' && outputTokens > 1) {
      outputToken.record(seconds(firstTokenMs, endMs) / (outputTokens - 1), series);
    }
  };

  return (finished) => {
    const { record } = finished;
    const caller = callerAttributes(record);
    const series = { ...operationAttributes(finished), ...caller };
    requests.add(1, {
      ...caller,
      ...known({
        'aws.region': record.region,
        'bedrock.operation': record.operation,
        'bedrock.operation_group': record.operationGroup,
        'gen_ai.request.model': series['gen_ai.request.model'],
        'bedrock.proxy.outcome': record.outcome,
        'bedrock.proxy.error_source': record.errorSource,
        'bedrock.guardrail.action': record.guardrailAction,
        'http.response.status_code': record.status,
        'error.type': errorType(record),
      }),
    });
    if (record.operation === undefined) return;
    for (const { region, status } of finished.attempts) {
      attempted.add(1, {
        ...caller,
        ...known({
          'aws.region': region,
          'bedrock.operation': record.operation,
          'gen_ai.request.model': series['gen_ai.request.model'],
          'http.response.status_code': status,
        }),
      });
    }
    addTokens(finished, series);
    addTimes(finished, series);
  };
}

function seconds(fromMs: number, toMs: number): number {
  return Math.max(0, toMs - fromMs) / 1000;
}
