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
