import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

import { SCHEMA_URL } from './attributes.ts';
import type { Destination } from './destination.ts';
import { createMetrics } from './metrics.ts';
import { createOtlp } from './otlp.ts';
import { describeResource, VERSION } from './resource.ts';
import { createSpans } from './spans.ts';
import type { ReportFailure, Signal, Telemetry, TelemetryConfig } from './telemetry.ts';
import { type Watch, watchExports } from './in-flight-exports.ts';

export interface TelemetryOptions {
  readonly config: TelemetryConfig;
  /** Origin of Bedrock's runtime. */
  readonly server: URL;
  /** The number of requests under way. */
  readonly underWay: () => number;
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
  const { config, server, underWay, report } = options;
  const resource = describeResource();
  const watch = watchExports();
  const destinations = destinationsOf(options);
  const readers = config.metrics
    ? setUp(destinations, 'metrics', report, (to, failed) => reader(to, config, watch, failed))
    : [];
  const processors = config.traces
    ? setUp(destinations, 'traces', report, (to, failed) => processor(to, watch, failed))
    : [];
  const meters = new MeterProvider({ resource, readers });
  const tracers = new BasicTracerProvider({ resource, spanProcessors: processors });
  const observers = [
    ...(readers.length > 0
      ? [createMetrics(meters.getMeter(SCOPE, VERSION, { schemaUrl: SCHEMA_URL }), underWay)]
      : []),
    ...(processors.length > 0
      ? [createSpans(tracers.getTracer(SCOPE, VERSION, { schemaUrl: SCHEMA_URL }), server)]
      : []),
  ];
  return {
    observe(finished) {
      for (const observe of observers) observe(finished);
    },
    async flush() {
      await Promise.allSettled([meters.forceFlush(), tracers.forceFlush()]);
      // The processor of spans does not wait for what it had begun to send before.
      await watch.ended();
    },
  };
}

function destinationsOf({ config, report, applicationInsights }: TelemetryOptions): Destination[] {
  const { otlp } = config;
  return [otlp === undefined ? undefined : () => createOtlp(otlp), applicationInsights].flatMap((create) => {
    try {
      return create === undefined ? [] : [create()];
    } catch (error) {
      report('exporters', 'setup', error);
      return [];
    }
  });
}

/** One part for each destination; one that cannot be set up is reported, and the others go on without it. */
function setUp<Part>(
  destinations: readonly Destination[],
  signal: Signal,
  report: ReportFailure,
  create: (destination: Destination, failed: (error: unknown) => void) => Part,
): Part[] {
  return destinations.flatMap((destination) => {
    try {
      return [create(destination, (error) => report(destination.name, signal, error))];
    } catch (error) {
      report(destination.name, 'setup', error);
      return [];
    }
  });
}

function reader(
  to: Destination,
  { metricIntervalMs }: TelemetryConfig,
  watch: Watch,
  failed: (error: unknown) => void,
) {
  return new PeriodicExportingMetricReader({
    exporter: watch.exporter(to.metrics(), failed),
    exportIntervalMillis: metricIntervalMs,
    maxExportBatchSize: SERIES_AT_A_TIME,
    cardinalityLimits: { default: MOST_SERIES },
  });
}

/** Holds 2048 spans at most and drops what comes on top (`OTEL_BSP_…`). */
function processor(to: Destination, watch: Watch, failed: (error: unknown) => void) {
  return new BatchSpanProcessor(watch.exporter(to.spans(), failed));
}
