import type { LogLevel } from './messages.ts';

/** One line of what Application Insights would get from the host. */
export interface LogLine {
  readonly level: LogLevel;
  /**
   * `Function.<name>.User`: the function's own `context.log`. `Function.<name>`: the invocation, as the host saw it.
   * `Host.Function.Console`: the worker's stdout and stderr. `Worker`: the library. `Host`: the host itself.
   */
  readonly category: string;
  readonly message: string;
  readonly invocationId?: string;
}

export interface HostLog {
  /** The latest lines, oldest first. */
  readonly lines: readonly LogLine[];
  write(line: LogLine): void;
  /** Calls back for each line from now on; the result ends that. */
  onLine(listener: (line: LogLine) => void): () => void;
}

/** Lines kept; a benchmark writes millions. */
const LIMIT = 20_000;

/** The log of one host. It filters nothing, whatever `logging.logLevel` of host.json says: tests look for leaks in it. */
export function createHostLog(): HostLog {
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  return {
    lines,
    write(line) {
      lines.push(line);
      if (lines.length > LIMIT) lines.splice(0, LIMIT / 2);
      for (const listener of listeners) listener(line);
    },
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
