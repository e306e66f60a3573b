import type { Observe } from '../record/finished-request.ts';
import type { Conventions } from './attributes.ts';

/** Makes metrics and spans of finished requests and exports them. */
export interface Telemetry {
  readonly observe: Observe;
  /** Exports what is not exported yet. Settles when everybody has it or has failed to take it; never rejects. */
  flush(): Promise<void>;
}

export type Signal = 'metrics' | 'traces';

/** Told of each export that failed, and of a destination that cannot be set up. */
export type ReportFailure = (destination: string, signal: Signal | 'setup', error: unknown) => void;

/** Where metrics and spans go. Both destinations may be there; then each gets everything. */
export interface TelemetryConfig {
  readonly applicationInsights?: ApplicationInsightsConfig;
  readonly otlp?: OtlpConfig;
  readonly metrics: boolean;
  readonly traces: boolean;
  readonly conventions: Conventions;
  /** Milliseconds between two exports of the metrics. */
  readonly metricIntervalMs: number;
}

export interface ApplicationInsightsConfig {
  readonly connectionString: string;
  /** The managed identity to send as; absent: the key of the connection string is all that is shown. */
  readonly identity?: { readonly clientId?: string };
}

export interface OtlpConfig {
  readonly protocol: 'http/protobuf' | 'http/json';
}
