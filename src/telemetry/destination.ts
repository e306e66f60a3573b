import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';

/** A place that metrics and spans are sent to. */
export interface Destination {
  readonly name: string;
  metrics(): ReportingExporter<PushMetricExporter>;
  spans(): ReportingExporter<SpanExporter>;
}

/** An exporter, and what its results leave unsaid. */
export interface ReportingExporter<Exporter> {
  readonly exporter: Exporter;
  /** Why the export that has just ended failed, where the exporter takes it for a success. Asked once for each. */
  readonly takeFailure?: () => Error | undefined;
}
