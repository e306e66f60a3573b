import type { FunctionsHost } from '../emulators/functions-host/host.ts';

/** What the function says about its telemetry: an export that failed, or a wrong setting. */
export type TelemetryLine = Readonly<Record<string, unknown>>;

/** All such lines so far. */
export function telemetryLines(host: FunctionsHost): TelemetryLine[] {
  return host.logs
    .filter(({ message }) => message.startsWith('{"event":"bedrock.telemetry"'))
    .map(({ message }) => JSON.parse(message) as TelemetryLine);
}

/** Resolves when there is such a line about a signal, or about any. */
export function nextTelemetryLine(host: FunctionsHost, signal?: 'metrics' | 'traces'): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (!telemetryLines(host).some((line) => signal === undefined || line['signal'] === signal)) return;
      stop();
      resolve();
    };
    const stop = host.onLog(check);
    check();
  });
}
