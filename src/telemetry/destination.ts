import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';

/** A place that metrics and spans are sent to. */
export interface Destination {
  readonly name: string;
  metrics(): PushMetricExporter;
  spans(): SpanExporter;
}
