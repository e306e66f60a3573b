import type { LogLine } from '../emulators/functions-host/log.ts';

/** The members of the function's record of a request that are shown. */
interface Shown {
  readonly event: 'bedrock.request';
  readonly time: string;
  readonly status: number;
  readonly durationMs: number;
  readonly operation?: string;
  readonly modelId?: string;
  readonly errorType?: string;
  readonly outcome: string;
}

/**
 * A line of the host's log as the terminal shows it: the record of a request in short, other lines of the function and
 * errors as they are, nothing of the rest.
 */
export function terminalLine({ category, level, message }: LogLine): string | undefined {
  const record = requestRecord(message);
  if (record !== undefined) return requestLine(record);
  return category === 'Host.Function.Console' || level === 'error' || level === 'critical' ? message : undefined;
}

function requestRecord(message: string): Shown | undefined {
  if (!message.startsWith('{"event":"bedrock.request"')) return undefined;
  return JSON.parse(message) as Shown;
}

function requestLine({ time, status, durationMs, operation, modelId, errorType, outcome }: Shown): string {
  const fields = [
    new Date(time).toTimeString().slice(0, 8),
    String(status),
    `${Math.round(durationMs)} ms`.padStart(9),
    operation ?? '-',
    modelId ?? '',
    errorType ?? '',
    outcome === 'complete' || outcome === 'refused' ? '' : outcome,
  ];
  // A model id can be any text of the request's body; it must not reach the terminal as an escape sequence.
  return fields
    .filter((field) => field !== '')
    .join('  ')
    .replaceAll(/[^\x20-\x7e]/g, '?');
}
