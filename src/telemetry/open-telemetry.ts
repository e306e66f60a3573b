import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

import { schemaUrlOf } from './attributes.ts';
import type { Destination } from './destination.ts';
import { type InFlightExports, trackExports } from './in-flight-exports.ts';
import { createMetrics } from './metrics.ts';
import { createOtlp } from './otlp.ts';
import { describeResource, VERSION } from './resource.ts';
import { createSpans } from './spans.ts';
import type { ReportFailure, Telemetry, TelemetryConfig } from './telemetry.ts';

export interface TelemetryOptions {
  readonly config: TelemetryConfig;
  /** The number of requests in flight. */
  readonly inFlight: () => number;
  readonly report: ReportFailure;
  /** From the bundle of its own that holds the Azure SDKs. */
  readonly applicationInsights?: () => Destination;
}

/**
 * Series of one metric that are told apart in one interval; all others would be one. The default of OpenTelemetry, 2000,
 * is what a gateway with a thousand subscriptions has.
 */
const MOST_SERIES = 50_000;

/** Series in one request to a destination, so that each stays in the range of a megabyte. */
const SERIES_AT_A_TIME = 1000;

const SCOPE = 'bedrock-proxy';

/** Metrics and spans of finished requests, to each destination that the settings name. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { config, inFlight, report } = options;
  const resource = describeResource();
  const exports = trackExports();
  const destinations = destinationsOf(options);
  const readers = config.metrics
    ? destinations.flatMap((to) => setUp(to.name, report, () => createMetricReader(to, config, exports, report)))
    : [];
  const processors = config.traces
    ? destinations.flatMap((to) => setUp(to.name, report, () => createSpanProcessor(to, exports, report)))
    : [];
  const { conventions } = config;
  const schemaUrl = schemaUrlOf(conventions);
  const scope = schemaUrl === undefined ? {} : { schemaUrl };
  const meters = new MeterProvider({ resource, readers });
  const tracers = new BasicTracerProvider({ resource, spanProcessors: processors });
  const observers = [
    ...(readers.length > 0 ? [createMetrics(meters.getMeter(SCOPE, VERSION, scope), inFlight, conventions)] : []),
    ...(processors.length > 0 ? [createSpans(tracers.getTracer(SCOPE, VERSION, scope), conventions)] : []),
  ];
  return {
    observe(finished) {
      for (const observe of observers) observe(finished);
    },
    async flush() {
      await Promise.allSettled([meters.forceFlush(), tracers.forceFlush()]);
      // The processor of spans does not wait for what it had begun to send before.
      await exports.ended();
    },
  };
}

function destinationsOf({ config, report, applicationInsights }: TelemetryOptions): Destination[] {
  const { otlp } = config;
  return [otlp === undefined ? undefined : () => createOtlp(otlp), applicationInsights].flatMap((create) =>
    create === undefined ? [] : setUp('exporters', report, create),
  );
}

/** What `create` makes; if it cannot be made that is reported, and the others go on without it. */
function setUp<Part>(name: string, report: ReportFailure, create: () => Part): Part[] {
  try {
    return [create()];
  } catch (error) {
    report(name, 'setup', error);
    return [];
  }
}

function createMetricReader(
  to: Destination,
  { metricIntervalMs }: TelemetryConfig,
  exports: InFlightExports,
  report: ReportFailure,
) {
  return new PeriodicExportingMetricReader({
    exporter: exports.track(to.metrics(), (error) => report(to.name, 'metrics', error)),
    exportIntervalMillis: metricIntervalMs,
    maxExportBatchSize: SERIES_AT_A_TIME,
    cardinalityLimits: { default: MOST_SERIES },
  });
}

/** Holds 2048 spans at most and drops what comes on top (`OTEL_BSP_…`). */
function createSpanProcessor(to: Destination, exports: InFlightExports, report: ReportFailure) {
  return new BatchSpanProcessor(exports.track(to.spans(), (error) => report(to.name, 'traces', error)));
}
