import type { ApplicationInsightsConfig, OtlpConfig, TelemetryConfig } from '../telemetry/telemetry.ts';
import type { Reader } from './reader.ts';

/**
 * Undefined when nothing is to be exported.
 *
 * The settings are those of the Functions platform and of the OpenTelemetry specification, so that the host and the
 * function export to the same places. What only the OpenTelemetry packages use is read by them.
 */
export function readTelemetry(read: Reader, problems: string[]): TelemetryConfig | undefined {
  const applicationInsights = readApplicationInsights(read, problems);
  const otlp = readOtlp(read, problems);
  const metrics = read.text('OTEL_METRICS_EXPORTER') !== 'none';
  const traces = read.text('OTEL_TRACES_EXPORTER') !== 'none';
  const metricIntervalMs = read.integer('OTEL_METRIC_EXPORT_INTERVAL', 60_000, 86_400_000);
  // A list for all areas of the conventions; what other areas are asked for is none of ours.
  const optIns = (read.text('OTEL_SEMCONV_STABILITY_OPT_IN') ?? '').split(',').map((item) => item.trim());
  if ((applicationInsights === undefined && otlp === undefined) || !(metrics || traces)) return undefined;
  return {
    ...(applicationInsights === undefined ? {} : { applicationInsights }),
    ...(otlp === undefined ? {} : { otlp }),
    metrics,
    traces,
    conventions: optIns.includes('gen_ai_latest_experimental') ? 'latest' : 'released',
    metricIntervalMs,
  };
}

const INSTRUMENTATION_KEY = /(?:^|;)\s*InstrumentationKey=[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s*(?:;|$)/i;

function readApplicationInsights(read: Reader, problems: string[]): ApplicationInsightsConfig | undefined {
  const connectionString = read.text('APPLICATIONINSIGHTS_CONNECTION_STRING');
  if (connectionString === undefined) return undefined;
  if (!INSTRUMENTATION_KEY.test(connectionString)) {
    problems.push('APPLICATIONINSIGHTS_CONNECTION_STRING has no InstrumentationKey');
    return undefined;
  }
  const authentication = fieldsOf(read.text('APPLICATIONINSIGHTS_AUTHENTICATION_STRING') ?? '');
  if (authentication.get('authorization')?.toUpperCase() !== 'AAD') return { connectionString };
  const clientId = authentication.get('clientid');
  return { connectionString, identity: clientId === undefined ? {} : { clientId } };
}

/** `Name=value;…`, names in any case. */
function fieldsOf(text: string): Map<string, string> {
  const fields = text.split(';').map((field) => field.split('=', 2).map((part) => part.trim()));
  return new Map(fields.map(([name = '', value = '']) => [name.toLowerCase(), value]));
}

function readOtlp(read: Reader, problems: string[]): OtlpConfig | undefined {
  const endpoint = read.text('OTEL_EXPORTER_OTLP_ENDPOINT');
  if (endpoint === undefined) return undefined;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // Collectors of one's own network often have no certificate; what a URL must not hold is a password, which gets logged.
  const good = url !== undefined && /^https?:$/.test(url.protocol) && url.username + url.password + url.hash === '';
  if (!good || url.search !== '') {
    problems.push('OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL without user, query and fragment');
    return undefined;
  }
  const protocol = read.text('OTEL_EXPORTER_OTLP_PROTOCOL') ?? 'http/protobuf';
  if (protocol === 'http/protobuf' || protocol === 'http/json') return { protocol };
  problems.push('OTEL_EXPORTER_OTLP_PROTOCOL must be http/protobuf or http/json');
  return undefined;
}
