import { ProxyError } from './errors.ts';

/** A share of the budget, held by one request; it grows and shrinks with what the request keeps in memory. */
export interface BufferLease {
  /** Sets the share to `bytes`. Returns false, and leaves the share as it was, when the budget has no room. */
  resize(bytes: number): boolean;
  /** Gives the share back for good; calling it again does nothing. */
  release(): void;
}

export interface BufferBudget {
  lease(): BufferLease;
  /** Bytes held now, all requests together. */
  readonly used: number;
}

/** Bounds what all requests of the process keep in memory together: bodies, held answers, incomplete frames. */
export function createBufferBudget(limitBytes: number): BufferBudget {
  let used = 0;
  return {
    get used() {
      return used;
    },
    lease() {
      let held = 0;
      let released = false;
      return {
        resize(bytes) {
          if (released || used + bytes - held > limitBytes) return false;
          used += bytes - held;
          held = bytes;
          return true;
        },
        release() {
          released = true;
          used -= held;
          held = 0;
        },
      };
    },
  };
}

/** The refusal of what would need more memory than there is left. */
export function tooMuchBuffered(): ProxyError {
  return new ProxyError('unavailable', 'The proxy holds too much in memory at the moment.', { retryAfterSeconds: 1 });
}
