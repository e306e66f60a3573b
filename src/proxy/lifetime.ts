import { whenAborted } from '../abortable.ts';
import type { Clock, Timer } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import type { Exchange } from '../http/exchange.ts';

/** What ends a call before it is complete: the caller has gone, or a deadline has passed. */
export interface Lifetime {
  readonly signal: AbortSignal;
  /** The answer is on its way: from here on the deadline of the whole answer counts. */
  firstByteSent(): void;
  end(): void;
}

/** Times in milliseconds, from the start of the exchange. */
export interface LifetimeLimits {
  /**
   * Before the platform gives up on a call without a first byte: 230 s at the load balancer, and 240 s in the Functions
   * host, which then answers nothing at all.
   */
  readonly firstByteMs: number;
  /** Below `functionTimeout`, at which the host restarts the worker and cuts every other stream with it. */
  readonly streamMs: number;
}

/** @param clock by which `startedAt` was read */
export function startLifetime(
  { startedAt, gone }: Pick<Exchange, 'startedAt' | 'gone'>,
  limits: LifetimeLimits,
  clock: Clock,
): Lifetime {
  const controller = new AbortController();
  let ended = false;
  let limitMs = limits.firstByteMs;
  let message = 'No answer was ready before the deadline of this proxy.';
  let deadline: Timer;
  const leftMs = () => limitMs - (clock.now() - startedAt);
  // A later deadline is looked at when the first one comes: few calls last so long.
  const wait = () => {
    deadline = clock.after(Math.max(0, leftMs()), () => {
      if (leftMs() > 0) wait();
      else controller.abort(new ProxyError('modelTimeout', message));
    });
  };
  wait();
  const stopListening = whenAborted(gone, (reason) => controller.abort(reason));
  return {
    signal: controller.signal,
    firstByteSent() {
      if (ended) return;
      limitMs = limits.streamMs;
      message = 'The answer took longer than the deadline of this proxy.';
      if (limits.streamMs >= limits.firstByteMs) return;
      deadline.cancel();
      wait();
    },
    end() {
      ended = true;
      deadline.cancel();
      stopListening();
    },
  };
}
