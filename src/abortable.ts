/**
 * Calls back with the signal's reason once it is aborted, at once if it is already.
 *
 * @returns what ends the waiting
 */
export function whenAborted(signal: AbortSignal, callback: (reason: unknown) => void): () => void {
  const onAbort = () => callback(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}

/** The promise's outcome, or a rejection with the signal's reason if that comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = whenAborted(signal, reject);
    void promise.then(stop, stop);
    promise.then(resolve, reject);
  });
}
