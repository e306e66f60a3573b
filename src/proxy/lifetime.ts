import { whenAborted } from '../abortable.ts';
import type { Clock } from '../clock.ts';
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
  const abortAfter = (ms: number, message: string) =>
    clock.after(Math.max(0, ms - (clock.now() - startedAt)), () =>
      controller.abort(new ProxyError('modelTimeout', message)),
    );
  let ended = false;
  let deadline = abortAfter(limits.firstByteMs, 'No answer was ready before the deadline of this proxy.');
  const stopListening = whenAborted(gone, (reason) => controller.abort(reason));
  return {
    signal: controller.signal,
    firstByteSent() {
      if (ended) return;
      deadline.cancel();
      deadline = abortAfter(limits.streamMs, 'The answer took longer than the deadline of this proxy.');
    },
    end() {
      ended = true;
      deadline.cancel();
      stopListening();
    },
  };
}
