import { eventLine } from '../log.ts';
import { deferTelemetry } from './deferred.ts';
import { createFailureLog } from './failure-log.ts';
import type { Telemetry, TelemetryConfig } from './telemetry.ts';

export interface LoadTelemetryOptions {
  /** Absent: nothing is exported. */
  readonly config?: TelemetryConfig | undefined;
  /** What is wrong with the settings of the telemetry. */
  readonly problems: readonly string[];
}

/**
 * The telemetry that the settings ask for, if any. Its parts are bundles of their own: OpenTelemetry with the OTLP
 * exporters, and what Application Insights needs on top of them.
 *
 * @param inFlight the number of requests in flight
 * @param log takes one line
 */
export function loadTelemetry(
  { config, problems }: LoadTelemetryOptions,
  inFlight: () => number,
  log: (line: string) => void,
): Telemetry | undefined {
  if (problems.length > 0) log(eventLine('bedrock.telemetry', { message: `Wrong settings: ${problems.join('; ')}` }));
  if (config === undefined) return undefined;
  const report = createFailureLog(log);
  return deferTelemetry(async () => {
    const { applicationInsights } = config;
    const [{ createTelemetry }, azure] = await Promise.all([
      import('./open-telemetry.ts'),
      applicationInsights === undefined ? undefined : import('./application-insights.ts'),
    ]);
    return createTelemetry({
      config,
      inFlight,
      report,
      ...(applicationInsights !== undefined && azure !== undefined
        ? { applicationInsights: () => azure.createApplicationInsights(applicationInsights) }
        : {}),
    });
  }, report);
}
