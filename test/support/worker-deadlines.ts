import { join } from 'node:path';

import type { Responder } from '../emulators/bedrock/received-request.ts';
import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from './root.ts';

/** Arguments of Node for a worker whose limits of 100 to 220 seconds run out when a test says so. */
export const DEADLINES_BY_HAND = ['--require', join(root, 'test/support/worker-deadlines.cjs')];

/**
 * Lets those limits run out that the worker waits for now, when it has read what was sent to it before; settles when they
 * have.
 */
export function passDeadlines(host: FunctionsHost): Promise<void> {
  const passed = new Promise<void>((resolve) => {
    const off = host.onLog(({ message }) => {
      if (!message.startsWith('{"event":"deadlines"')) return;
      off();
      resolve();
    });
  });
  process.kill(host.workerPid, 'SIGUSR2');
  return passed;
}

/** The same again and again until this is over: for a limit of which nobody can tell when the worker begins to wait for it. */
export async function passDeadlinesUntil<T>(host: FunctionsHost, end: Promise<T>): Promise<T> {
  const over = end.then(
    () => false,
    () => false,
  );
  // The last one is awaited as well: it must not befall the next call.
  do await passDeadlines(host);
  while (await Promise.race([over, Promise.resolve(true)]));
  return end;
}

/** Has Bedrock do this, and lets those limits run out when it has; default: it does nothing. */
export function thenPassDeadlines(host: FunctionsHost, answer: Responder = () => {}): Responder {
  return async (request, response) => {
    await answer(request, response);
    await passDeadlines(host);
  };
}
