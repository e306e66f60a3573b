import { abortable } from './abortable.ts';
import type { Clock } from './clock.ts';

/**
 * The outcome of a task, or a rejection with `TimeoutError` after so many milliseconds; the task's signal is aborted then.
 * The race is for sources that do not obey it in every phase, as the identity library: a signal alone bounds nothing.
 */
export async function bounded<T>(
  task: (signal: AbortSignal) => Promise<T>,
  milliseconds: number,
  clock: Clock,
): Promise<T> {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = clock.after(milliseconds, () => controller.abort(new DOMException('too slow', 'TimeoutError')));
  try {
    return await abortable(task(signal), signal);
  } finally {
    timer.cancel();
  }
}

/** For how long the source of an error wants to be left alone, by its `retryAfterSeconds`; 0 where it does not say. */
export function askedMs(error: unknown, most: number): number {
  if (typeof error !== 'object' || error === null || !('retryAfterSeconds' in error)) return 0;
  return typeof error.retryAfterSeconds === 'number' ? Math.min(1000 * error.retryAfterSeconds, most) : 0;
}
