import type { ServerResponse } from 'node:http';

import type { Clock } from '../clock.ts';
import { whenClosed } from '../http/exchange.ts';
import type { Recorder } from '../record/recorder.ts';
import type { FailureEnd } from '../streams/framer.ts';

/** How long a caller may take to read that its answer has failed, in milliseconds. */
const GRACE_MS = 5000;

/** Sees to it that a caller who does not read the end of an answer holds it no longer than any other. */
export function endAtDeadline(response: ServerResponse, signal: AbortSignal, record: Pick<Recorder, 'failed'>): void {
  const end = () => {
    record.failed(signal.reason);
    response.destroy();
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
}

/**
 * Writes the end of a stream that failed. The connection does not outlive it by long: a caller who has stopped reading would
 * hold it for as long as the platform lets it.
 *
 * @returns settles when the response can be ended, or has been broken off
 */
export async function endByFailure(
  response: ServerResponse,
  { message, breaks }: FailureEnd,
  clock: Clock,
): Promise<void> {
  const destroy = () => void response.destroy();
  const timer = clock.after(GRACE_MS, destroy);
  whenClosed(response, timer.cancel);
  if (!breaks) {
    response.write(message);
    return;
  }
  response.write(message, destroy);
  await new Promise<void>((resolve) => {
    whenClosed(response, resolve);
  });
}
