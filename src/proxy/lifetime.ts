import { ProxyError } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';

/** What ends a call before it is complete: the caller has gone, or a deadline has passed. */
export interface Lifetime {
  readonly signal: AbortSignal;
  /** The answer is on its way: from here on the deadline of the whole answer counts. */
  firstByteSent(): void;
  end(): void;
}

/** Times in milliseconds, from the start of the invocation. */
export interface LifetimeLimits {
  /**
   * Before the platform gives up on a call without a first byte: 230 s at the load balancer, and 240 s in the Functions
   * host, which then answers nothing at all.
   */
  readonly firstByteMs: number;
  /** Below `functionTimeout`, at which the host restarts the worker and cuts every other stream with it. */
  readonly streamMs: number;
}

export function startLifetime(invocation: Exchange, limits: LifetimeLimits): Lifetime {
  const controller = new AbortController();
  const abortAfter = (ms: number, message: string) =>
    setTimeout(
      () => controller.abort(new ProxyError('modelTimeout', message)),
      Math.max(0, ms - (performance.now() - invocation.startedAt)),
    );
  let ended = false;
  const onGone = () => controller.abort(invocation.gone.reason);
  let timer = abortAfter(limits.firstByteMs, 'No answer was ready before the deadline of this proxy.');
  if (invocation.gone.aborted) onGone();
  else invocation.gone.addEventListener('abort', onGone, { once: true });
  return {
    signal: controller.signal,
    firstByteSent() {
      if (ended) return;
      clearTimeout(timer);
      timer = abortAfter(limits.streamMs, 'The answer took longer than the deadline of this proxy.');
    },
    end() {
      ended = true;
      clearTimeout(timer);
      invocation.gone.removeEventListener('abort', onGone);
    },
  };
}
