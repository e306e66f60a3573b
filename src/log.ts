/** What a line of the log may be about, beside the record of each request. */
export const LOG_EVENTS = [
  'bedrock.budgets',
  'bedrock.clock',
  'bedrock.credentials',
  'bedrock.defect',
  'bedrock.failure',
  'bedrock.settings',
  'bedrock.telemetry',
  'bedrock.unclaimed',
] as const;

export type LogEvent = (typeof LOG_EVENTS)[number];

/** One line about an event; a member that is undefined is left out. The members hold no secret and no content. */
export function eventLine(
  event: LogEvent,
  members: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  return JSON.stringify({ event, ...members });
}

/** One line for the log: names and codes of an error and of its causes; no stack and nothing of a request's content. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error, depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    if (!(current instanceof Error)) {
      parts.push(typeof current);
      break;
    }
    const code = 'code' in current && typeof current.code === 'string' ? ` ${current.code}` : '';
    parts.push(`${current.name}${code}: ${current.message}`);
    current = current.cause;
  }
  return parts.join(' <- ').replaceAll(/\s+/g, ' ');
}

/** Logs an error that only a defect of ours can be the reason of. */
export function logDefect(error: unknown, requestId?: string): void {
  console.error(eventLine('bedrock.defect', { requestId, cause: describeError(error) }));
}

/** How long a line waits for others, in milliseconds. A worker that is killed loses no more than the lines of this time. */
const DELAY_MS = 20;

/** Lines that wait are written at once when they are so many characters. */
const MOST_WAITING = 65_536;

export interface LogLines {
  add(line: string): void;
  /** Writes what waits. */
  flush(): void;
}

/**
 * Collects lines and writes them together. Standard output of a worker is a pipe, to which Node writes synchronously:
 * one system call a request, and as many awakenings of the host that reads it, cost more than making the lines.
 *
 * @param write takes lines, separated by line feeds, without the last one
 */
export function collectLines(write: (lines: string) => void): LogLines {
  let waiting = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === '') return;
    const lines = waiting;
    waiting = '';
    write(lines);
  };
  return {
    add(line) {
      waiting = waiting === '' ? line : `${waiting}\n${line}`;
      if (waiting.length > MOST_WAITING) flush();
      else timer ??= setTimeout(flush, DELAY_MS);
    },
    flush,
  };
}
