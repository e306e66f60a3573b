import { ManagedIdentityCredential } from '@azure/identity';
import {
  type AzureMonitorExporterOptions,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';

import type { Destination, ReportingExporter } from './destination.ts';
import type { ApplicationInsightsConfig } from './telemetry.ts';

/** Time for one export, retries and token included: less than the 30 s after which OpenTelemetry begins the next. */
const EXPORT_TIMEOUT_MS = 25_000;
const ATTEMPT_TIMEOUT_MS = 10_000;

/** Exports that were given up, but hang somewhere with what they would send; no more are begun then. */
const MOST_HANGING = 8;

/**
 * Application Insights. Nothing is kept on the disk: what cannot be sent, retries included, is dropped.
 *
 * The exporter by itself would also send statistics about itself to Microsoft and ask a third place for its
 * configuration; the build leaves these parts of it out (infra/build/build.ts).
 *
 * @throws Error when the connection string is of no use
 */
export function createApplicationInsights({ connectionString, identity }: ApplicationInsightsConfig): Destination {
  const options = {
    connectionString,
    disableOfflineStorage: true,
    ...(identity === undefined
      ? {}
      : { credential: new ManagedIdentityCredential({ ...identity, retryOptions: { maxRetries: 0 } }) }),
  };
  return {
    name: 'applicationInsights',
    metrics: () => reportingExporter(options, (reporting) => new AzureMonitorMetricExporter(reporting)),
    spans: () => reportingExporter(options, (reporting) => new AzureMonitorTraceExporter(reporting)),
  };
}

type Policy = NonNullable<AzureMonitorExporterOptions['additionalPolicies']>[number]['policy'];

/**
 * Without its disk, the exporter takes what it has to drop for a success, and it waits for an answer as long as it
 * takes. A policy sees what happens.
 */
function reportingExporter<Exporter>(
  options: AzureMonitorExporterOptions,
  create: (options: AzureMonitorExporterOptions) => Exporter,
): ReportingExporter<Exporter> {
  let failure: Error | undefined;
  let inFlight = 0;
  const policy: Policy = {
    name: 'bedrockProxyOutcome',
    async sendRequest(request, next) {
      try {
        if (inFlight >= MOST_HANGING) throw new Error('Earlier exports have not come to an end.');
        const timeout = AbortSignal.timeout(EXPORT_TIMEOUT_MS);
        request.abortSignal = timeout;
        request.timeout = ATTEMPT_TIMEOUT_MS;
        const tooLate = new Promise<never>((_resolve, reject) => {
          timeout.addEventListener('abort', () => reject(timeout.reason), { once: true });
        });
        inFlight += 1;
        const sent = next(request).finally(() => {
          inFlight -= 1;
        });
        // The identity library does not obey the signal in every phase, hence the race.
        const response = await Promise.race([sent, tooLate]);
        if (response.status !== 200) failure = new Error(`Not everything was accepted (${response.status})`);
        return response;
      } catch (error) {
        failure = error instanceof Error ? error : new Error('The request failed.');
        throw error;
      }
    },
  };
  return {
    exporter: create({ ...options, additionalPolicies: [{ policy, position: 'perCall' }] }),
    takeFailure() {
      const taken = failure;
      failure = undefined;
      return taken;
    },
  };
}
