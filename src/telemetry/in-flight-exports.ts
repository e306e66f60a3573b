import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

import type { ReportingExporter } from './destination.ts';

/** What exporters of metrics and of spans have in common. Those written as `async` return a promise all the same. */
interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): unknown;
}

/** The exports that have begun and not yet ended. */
export interface InFlightExports {
  /**
   * Makes the exporter tell of each export that fails, and of none twice. It can no longer throw or reject: nobody
   * would catch it.
   *
   * @returns the same exporter
   */
  track<Items, Kind extends Exporter<Items>>(from: ReportingExporter<Kind>, failed: (error: unknown) => void): Kind;
  /** Resolves when all exports have ended that have begun by now. */
  ended(): Promise<void>;
}

export function trackExports(): InFlightExports {
  const inFlight = new Set<Promise<void>>();
  return {
    track({ exporter, takeFailure }, failed) {
      const send = exporter.export.bind(exporter);
      exporter.export = (items, done) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        inFlight.add(promise);
        let over = false;
        const finish = (told: ExportResult) => {
          if (over) return;
          over = true;
          inFlight.delete(promise);
          resolve();
          const unsaid = takeFailure?.();
          const result = unsaid === undefined ? told : failure(unsaid);
          if (result.code === ExportResultCode.FAILED) failed(result.error ?? new Error('The export failed.'));
          done(result);
        };
        const fail = (error: unknown) => finish(failure(error));
        try {
          Promise.resolve(send(items, finish)).catch(fail);
        } catch (error) {
          fail(error);
        }
      };
      return exporter;
    },
    async ended() {
      await Promise.all(inFlight);
    },
  };
}

function failure(error: unknown): ExportResult {
  return { code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error('The export failed.') };
}
