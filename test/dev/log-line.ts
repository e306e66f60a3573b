import type { ErrorSource, RequestRecord } from '../../src/record/record.ts';
import type { LogLine } from '../emulators/functions-host/log.ts';

/**
 * A line of the host's log as the terminal shows it: the record of a request in short, other lines of the function and
 * errors as they are, nothing of the rest.
 *
 * @param nameOf what a request without an operation is called
 */
export function terminalLine(
  { category, level, message }: LogLine,
  nameOf: (gatewayRequestId: string | undefined) => string | undefined = () => undefined,
): string | undefined {
  if (message.startsWith('{"event":"bedrock.request"')) {
    const record = JSON.parse(message) as RequestRecord;
    return requestLine(record, nameOf(record.gatewayRequestId));
  }
  return category === 'Host.Function.Console' || level === 'error' || level === 'critical' ? message : undefined;
}

/** When, status, duration, operation, model, tokens, first token and speed of a stream, what went wrong. */
function requestLine(record: RequestRecord, name = '-'): string {
  const fields = [
    new Date(record.time).toTimeString().slice(0, 8),
    // None reached a caller that left before.
    String(record.status ?? '---'),
    milliseconds(record.durationMs ?? 0).padStart(9),
    record.operation ?? name,
    record.modelId ?? '',
    tokens(record),
    record.firstTokenMs === undefined ? '' : `first token ${milliseconds(record.firstTokenMs)}`,
    record.outputTokensPerSecond === undefined ? '' : `${Math.round(record.outputTokensPerSecond)} tokens/s`,
    trouble(record),
  ];
  return printable(fields.filter((field) => field !== '').join('  '));
}

/** A path or an identifier may be any text of the caller's; it must not reach the terminal as an escape sequence. */
export function printable(line: string): string {
  return line.replaceAll(/[^\x20-\x7e]/g, '?');
}

function tokens(record: RequestRecord): string {
  const { inputTokens, outputTokens, countedInputTokens, usageUnknown } = record;
  if (countedInputTokens !== undefined) return `${countedInputTokens} counted`;
  if (usageUnknown !== undefined) return `tokens unknown (${usageUnknown})`;
  const parts = [
    inputTokens === undefined ? [] : [`${inputTokens} in${cache(record)}`],
    outputTokens === undefined ? [] : [`${outputTokens} out`],
  ].flat();
  return `${parts.join(', ')}${record.usagePartial === true ? ' so far' : ''}`;
}

function cache({ cacheReadInputTokens: read = 0, cacheWriteInputTokens: written = 0 }: RequestRecord): string {
  const parts = [...(read > 0 ? [`${read} read`] : []), ...(written > 0 ? [`${written} written`] : [])];
  return parts.length > 0 ? ` (cache: ${parts.join(', ')})` : '';
}

const WHOSE: Readonly<Record<ErrorSource, string>> = {
  client: "the client's",
  proxy: "the proxy's",
  bedrock: "Bedrock's",
};

function trouble({ outcome, errorType, errorSource }: RequestRecord): string {
  const how = outcome === 'complete' || outcome === 'refused' ? '' : (outcome ?? '');
  const what = errorType ?? (errorSource === undefined ? '' : 'error');
  const whose = errorSource === undefined ? '' : ` (${WHOSE[errorSource]})`;
  return [how, `${what}${whose}`].filter((part) => part !== '').join(': ');
}

function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}
