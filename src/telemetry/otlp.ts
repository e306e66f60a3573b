import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';

import type { Destination } from './destination.ts';
import type { OtlpConfig } from './telemetry.ts';

/**
 * An OTLP endpoint. The exporters read its URL, headers, certificates, compression and timeout (10 s, retries included)
 * from the standard `OTEL_EXPORTER_OTLP_…` variables, and hold thirty exports at most.
 */
export function createOtlp({ protocol }: OtlpConfig): Destination {
  const json = protocol === 'http/json';
  return {
    name: 'otlp',
    metrics: () => (json ? new JsonMetricExporter() : new ProtobufMetricExporter()),
    spans: () => (json ? new JsonTraceExporter() : new ProtobufTraceExporter()),
  };
}
