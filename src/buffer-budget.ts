import { ProxyError } from './errors.ts';

/** A share of the budget, held by one request; it grows and shrinks with what the request keeps in memory. */
export interface BufferLease {
  /**
   * Sets the share to `bytes`. Returns false, and leaves the share as it was, when it would grow and there is no room:
   * in the budget, or in the half of it that one subscription may hold.
   */
  resize(bytes: number): boolean;
  /**
   * Sets the share to `bytes`, room or not: for what is in memory already and cannot be refused, since it is paid. What
   * comes afterwards waits for it.
   */
  hold(bytes: number): void;
  /** True when the budget has room for so many bytes more, whoever holds them: for a copy that is gone at once. */
  hasRoomFor(bytes: number): boolean;
  /** Gives the share back for good; calling it again does nothing. */
  release(): void;
}

export interface BufferBudget {
  /** @param subscriptionId whose the request is; those without a subscription count as one */
  lease(subscriptionId?: string): BufferLease;
  /** Bytes held now, all requests together. */
  readonly used: number;
}

/**
 * Bounds what all requests of the process keep in memory together: bodies, held answers, incomplete frames. One
 * subscription may hold half of it, so that the others always find some.
 */
export function createBufferBudget(limitBytes: number): BufferBudget {
  const mostOfOne = Math.floor(limitBytes / 2);
  /** Bytes by subscription; none of those that hold nothing. */
  const shares = new Map<string | undefined, number>();
  let used = 0;
  const shareOf = (subscriptionId: string | undefined) => shares.get(subscriptionId) ?? 0;
  const add = (subscriptionId: string | undefined, bytes: number) => {
    used += bytes;
    const share = shareOf(subscriptionId) + bytes;
    if (share === 0) shares.delete(subscriptionId);
    else shares.set(subscriptionId, share);
  };
  const hasRoomFor = (bytes: number) => used + bytes <= limitBytes;
  return {
    get used() {
      return used;
    },
    lease(subscriptionId) {
      let held = 0;
      let released = false;
      const hold = (bytes: number) => {
        if (released) return;
        add(subscriptionId, bytes - held);
        held = bytes;
      };
      return {
        resize(bytes) {
          const more = bytes - held;
          if (released || (more > 0 && !(hasRoomFor(more) && shareOf(subscriptionId) + more <= mostOfOne)))
            return false;
          hold(bytes);
          return true;
        },
        hold,
        hasRoomFor,
        release() {
          hold(0);
          released = true;
        },
      };
    },
  };
}

/** The refusal of what would need more memory than there is left. */
export function tooMuchBuffered(): ProxyError {
  const message = 'The proxy holds too much in memory at the moment, for this subscription or for all together.';
  return new ProxyError('unavailable', message, { retryAfterSeconds: 1 });
}
