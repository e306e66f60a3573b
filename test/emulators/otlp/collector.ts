import { gunzipSync } from 'node:zlib';

import { type Answer, type Endpoint, type RecordedRequest, startJsonServer } from '../azure/json-server.ts';
import {
  type Attributes,
  type ReceivedMetric,
  type ReceivedPoint,
  type ReceivedSpan,
  readMetrics,
  readSpans,
} from './data.ts';
import { METRICS_REQUEST, TRACE_REQUEST } from './schema.ts';
import { decodeMessage } from './protobuf.ts';

export interface OtlpCollector extends Endpoint {
  /** Settings that make the function app send here. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every metric as it came, in the order of arrival. */
  readonly metrics: readonly ReceivedMetric[];
  /** Every span as it came, in the order of arrival. */
  readonly spans: readonly ReceivedSpan[];
  /** Every accepted body, as text; protobuf as it was read. */
  readonly bodies: readonly string[];
  /** The series of a cumulative metric with what was last said of them. */
  latest(name: string): ReceivedPoint[];
  /** Sum over the latest points that have these attributes. */
  sum(name: string, attributes?: Attributes): number;
  /** Answers the next `times` requests (without it: all) with this status; 0 times ends it. */
  fail(status: number, options?: { times?: number; retryAfterSeconds?: number }): void;
}

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** An OpenTelemetry collector's receiver of metrics and traces over HTTP, both encodings (OTLP specification 1, OTLP/HTTP). */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const metrics: ReceivedMetric[] = [];
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];

  function answer({ method, url, headers }: RecordedRequest, sent: Buffer): Answer {
    const schema = { '/v1/metrics': METRICS_REQUEST, '/v1/traces': TRACE_REQUEST }[url.pathname];
    if (schema === undefined) return { status: 404, body: {} };
    if (method !== 'POST') return { status: 405, body: {} };
    const type = headers['content-type'];
    if (type !== PROTOBUF && type !== JSON_TYPE) return { status: 415, body: {} };
    const encoding = headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'gzip') return { status: 415, body: {} };

    const body = encoding === undefined ? sent : gunzipSync(sent);
    const request = type === PROTOBUF ? decodeMessage(body, schema) : JSON.parse(body.toString('utf8'));
    bodies.push(JSON.stringify(request));
    if (schema === METRICS_REQUEST) metrics.push(...readMetrics(request));
    else spans.push(...readSpans(request));
    // An empty message in either encoding: everything was accepted.
    return { status: 200, headers: { 'content-type': type }, body: type === PROTOBUF ? Buffer.alloc(0) : {} };
  }

  const { override, ...endpoint } = await startJsonServer(answer);

  const latest = (name: string): ReceivedPoint[] => {
    const points = metrics
      .filter((metric) => metric.name === name)
      .flatMap((metric) => metric.points.map((point) => [seriesKey(metric, point), point] as const));
    return [...new Map(points).values()];
  };

  return {
    ...endpoint,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint.url },
    metrics,
    spans,
    bodies,
    latest,
    sum: (name, attributes = {}) =>
      latest(name)
        .filter((point) => Object.entries(attributes).every(([key, value]) => point.attributes[key] === value))
        .reduce((total, { value }) => total + value, 0),
    fail(status, { times = Number.POSITIVE_INFINITY, retryAfterSeconds } = {}) {
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      override({ status, headers, body: { message: 'Failed on demand.' } }, times);
    },
  };
}

/** Cumulative series of two processes are two series. */
function seriesKey({ resource }: ReceivedMetric, { attributes }: ReceivedPoint): string {
  const sorted = Object.entries(attributes).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([resource['service.instance.id'], sorted]);
}
