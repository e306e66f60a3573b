type Read<T> = (signal: AbortSignal) => Promise<T>;

/**
 * The same reading, made once more at once where its connection broke before an answer came. A vault closes connections
 * that have been idle, and a request may go out at that very moment; reading again changes nothing (RFC 9112, section 9.3.1).
 */
export function readAgainIfBroken<T>(read: Read<T>): Read<T> {
  return (signal) =>
    read(signal).catch((error: unknown) => {
      if (signal.aborted || !isBroken(error)) throw error;
      return read(signal);
    });
}

/** The vault's SDK hands on the code of Node's socket; the library under the identity has one word for all of them. */
function isBroken(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && (current.code === 'ECONNRESET' || current.code === 'EPIPE')) return true;
    if ('errorCode' in current && current.errorCode === 'network_error') return true;
  }
  return false;
}
