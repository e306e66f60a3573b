import type { Config } from '../config/config.ts';
import { deferTelemetry } from './deferred.ts';
import { createFailureLog } from './failure-log.ts';
import type { Telemetry } from './telemetry.ts';

/**
 * The telemetry that the settings ask for, if any. Its parts are bundles of their own: OpenTelemetry with the OTLP
 * exporters, and what Application Insights needs on top of them.
 *
 * @param underWay the number of requests under way
 * @param log takes one line
 */
export function loadTelemetry(
  { origin, telemetry: config, telemetryProblems }: Config,
  underWay: () => number,
  log: (line: string) => void,
): Telemetry | undefined {
  if (telemetryProblems.length > 0) {
    log(JSON.stringify({ event: 'bedrock.telemetry', message: `Wrong settings: ${telemetryProblems.join('; ')}` }));
  }
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
      server: new URL(origin),
      underWay,
      report,
      ...(applicationInsights !== undefined && azure !== undefined
        ? { applicationInsights: () => azure.createApplicationInsights(applicationInsights) }
        : {}),
    });
  }, report);
}
