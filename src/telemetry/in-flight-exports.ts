import { type ExportResult, ExportResultCode } from '@opentelemetry/core';

/** What exporters of metrics and of spans have in common. Those written as `async` return a promise all the same. */
interface Exporter<Items> {
  export(items: Items, done: (result: ExportResult) => void): unknown;
}

/** Keeps an eye on all exports. */
export interface Watch {
  /**
   * Makes the exporter tell of each export that fails, and of none twice. It can no longer throw or reject: nobody
   * would catch it.
   *
   * @returns the same exporter
   */
  exporter<Items, Kind extends Exporter<Items>>(exporter: Kind, failed: (error: unknown) => void): Kind;
  /** Resolves when all exports have ended that have begun by now. */
  ended(): Promise<void>;
}

export function watchExports(): Watch {
  const underWay = new Set<Promise<void>>();
  return {
    exporter(exporter, failed) {
      const send = exporter.export.bind(exporter);
      exporter.export = (items, done) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        underWay.add(promise);
        let over = false;
        const finish = (result: ExportResult) => {
          if (over) return;
          over = true;
          underWay.delete(promise);
          resolve();
          if (result.code === ExportResultCode.FAILED) failed(result.error ?? new Error('The export failed.'));
          done(result);
        };
        const fail = (error: unknown) =>
          finish({
            code: ExportResultCode.FAILED,
            error: error instanceof Error ? error : new Error('The export failed.'),
          });
        try {
          Promise.resolve(send(items, finish)).catch(fail);
        } catch (error) {
          fail(error);
        }
      };
      return exporter;
    },
    async ended() {
      await Promise.all(underWay);
    },
  };
}
