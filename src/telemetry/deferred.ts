import type { FinishedRequest } from '../record/finished-request.ts';
import type { ReportFailure, Telemetry } from './telemetry.ts';

/** Requests that wait for the exporters; what exceeds them is in the log only. */
const MOST_WAITING = 1000;

/**
 * Telemetry that is loaded when the first request is over: the exporters are heavy, and neither the start of the worker
 * nor its first caller should wait for them.
 *
 * @param report told when loading or taking in fails, which no request ever hears of
 */
export function deferTelemetry(load: () => Promise<Telemetry>, report: ReportFailure): Telemetry {
  let waiting: FinishedRequest[] | undefined = [];
  let loading: Promise<Telemetry | undefined> | undefined;
  let telemetry: Telemetry | undefined;

  const take = (finished: FinishedRequest) => {
    try {
      telemetry?.observe(finished);
    } catch (error) {
      report('exporters', 'setup', error);
    }
  };
  const begin = async (): Promise<Telemetry | undefined> => {
    try {
      // After the caller's last byte, not before it.
      await new Promise(setImmediate);
      telemetry = await load();
    } catch (error) {
      report('exporters', 'setup', error);
    }
    for (const finished of waiting ?? []) take(finished);
    waiting = undefined;
    return telemetry;
  };

  return {
    observe(finished) {
      loading ??= begin();
      if (waiting === undefined) take(finished);
      else if (waiting.length < MOST_WAITING) waiting.push(finished);
    },
    async flush() {
      try {
        await (await loading)?.flush();
      } catch (error) {
        report('exporters', 'setup', error);
      }
    },
  };
}
