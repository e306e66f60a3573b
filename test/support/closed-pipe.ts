import type { Writable } from 'node:stream';

/** What a shell says of a program that SIGPIPE ended; Node ignores that signal and reports EPIPE instead. */
const SIGPIPE = 128 + 13;

/** Ends this process, quietly, when nobody reads `output` any more, as with `| head`. */
export function endWithReader(output: Writable): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(SIGPIPE);
  });
}
