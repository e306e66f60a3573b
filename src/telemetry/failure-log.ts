import { describeError } from '../errors.ts';
import type { ReportFailure } from './telemetry.ts';

/** Least time between two lines about the same thing: an outage fails every few seconds. */
const PAUSE_MS = 600_000;

/**
 * Logs failed exports: the first of each destination and signal at once, later ones in a sum every ten minutes. The
 * line holds names, codes and messages of errors; they quote neither a connection string nor a header.
 */
export function createFailureLog(log: (line: string) => void, now: () => number = () => performance.now()) {
  const told = new Map<string, { at: number; untold: number }>();
  const report: ReportFailure = (destination, signal, error) => {
    const key = `${destination} ${signal}`;
    const last = told.get(key);
    if (last !== undefined && now() - last.at < PAUSE_MS) {
      last.untold += 1;
      return;
    }
    told.set(key, { at: now(), untold: 0 });
    const failures = (last?.untold ?? 0) + 1;
    log(JSON.stringify({ event: 'bedrock.telemetry', destination, signal, failures, cause: describeError(error) }));
  };
  return report;
}
