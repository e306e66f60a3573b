import { ManagedIdentityCredential } from '@azure/identity';
import {
  type AzureMonitorExporterOptions,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

import type { Destination } from './destination.ts';
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
    metrics: () => honest(options, (candid) => new AzureMonitorMetricExporter(candid)),
    spans: () => honest(options, (candid) => new AzureMonitorTraceExporter(candid)),
  };
}

type Policy = NonNullable<AzureMonitorExporterOptions['additionalPolicies']>[number]['policy'];

interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): unknown;
}

/**
 * Without its disk, the exporter takes what it has to drop for a success, and it waits for an answer as long as it
 * takes. A policy sees what happens.
 */
function honest<Items, Kind extends Exporter<Items>>(
  options: AzureMonitorExporterOptions,
  create: (options: AzureMonitorExporterOptions) => Kind,
): Kind {
  let failure: Error | undefined;
  let underWay = 0;
  const policy: Policy = {
    name: 'bedrockProxyOutcome',
    async sendRequest(request, next) {
      try {
        if (underWay >= MOST_HANGING) throw new Error('Earlier exports have not come to an end.');
        const timeout = AbortSignal.timeout(EXPORT_TIMEOUT_MS);
        request.abortSignal = timeout;
        request.timeout = ATTEMPT_TIMEOUT_MS;
        const tooLate = new Promise<never>((_resolve, reject) => {
          timeout.addEventListener('abort', () => reject(timeout.reason), { once: true });
        });
        underWay += 1;
        const sent = next(request).finally(() => {
          underWay -= 1;
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
  const exporter = create({ ...options, additionalPolicies: [{ policy, position: 'perCall' }] });
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) =>
    send(items, (result) => {
      const error = failure;
      failure = undefined;
      done(error === undefined ? result : { code: ExportResultCode.FAILED, error });
    });
  return exporter;
}
