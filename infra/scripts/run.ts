import { setTimeout as sleep } from 'node:timers/promises';

import { SetupError } from '../build/local-settings.ts';

/** What a shell says of a program that Ctrl-C has ended. */
const SIGINT = 130;

/** Waits so many milliseconds. Rejects at once with the reason of a signal that has ended the script. */
export type Pause = (milliseconds: number) => Promise<void>;

/** A sentence for whoever runs the script. */
export type Say = (line: string) => void;

export const say: Say = (line) => console.error(line);

/**
 * Runs a script: Ctrl-C, also twice, ends its next pause, and lets it put in order what it has begun. A mistake of whoever runs it is a
 * sentence, anything else what the service has said; neither is a stack.
 */
export async function run(script: (pause: Pause, signal: AbortSignal) => Promise<void>): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  const { signal } = interrupted;
  try {
    await script((milliseconds) => sleep(milliseconds, undefined, { signal }), signal);
  } catch (error) {
    process.exitCode = signal.aborted ? SIGINT : 1;
    if (!signal.aborted) say(error instanceof SetupError ? error.message : describe(error));
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' ? error.name : `${error.name}: ${error.message}`;
}

/** A variable that must be set. @throws SetupError that says what belongs there */
export function required(environment: NodeJS.ProcessEnv, name: string, what: string): string {
  const value = environment[name];
  if (!value) throw new SetupError(`Set ${name}: ${what}.`);
  return value;
}

/** A whole number of a variable. @throws SetupError for anything else */
export function wholeNumber(environment: NodeJS.ProcessEnv, name: string, otherwise: number): number {
  const value = environment[name];
  if (!value) return otherwise;
  if (!/^\d{1,6}$/.test(value)) throw new SetupError(`${name} must be a whole number.`);
  return Number(value);
}
