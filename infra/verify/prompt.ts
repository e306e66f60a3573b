import type { Readable, Writable } from 'node:stream';

/** What a terminal is, as far as a secret is read from it. */
export type Terminal = Readable & { setRawMode(on: boolean): unknown };

/** Return, line feed and end of transmission (Ctrl-D); Ctrl-C; backspace and delete, as terminals send them. */
const ENTER = new Set(['\r', '\n', '\u0004']);
const INTERRUPT = '\u0003';
const ERASE = new Set(['\b', '\u007f']);

/**
 * Asks for a secret on the terminal, which shows nothing of it.
 *
 * @returns undefined when it was interrupted by Ctrl-C
 */
export async function askSecret(question: string, input: Terminal, output: Writable): Promise<string | undefined> {
  // First: what is typed at the sight of the question must not be shown.
  input.setRawMode(true);
  output.write(`${question}: `);
  let secret = '';
  try {
    for await (const typed of input.iterator({ destroyOnReturn: false })) {
      for (const character of String(typed)) {
        if (character === INTERRUPT) return undefined;
        if (ENTER.has(character)) return secret;
        secret = ERASE.has(character) ? secret.slice(0, -1) : secret + character;
      }
    }
    return secret;
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write('\n');
  }
}
