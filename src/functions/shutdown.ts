import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../clock.ts';
import { whenClosed } from '../http/exchange.ts';

/** The answers in flight, for which the end of the worker should wait. */
export interface InFlight {
  readonly count: number;
  /** Counts an answer in until its connection is done with it. */
  add(response: ServerResponse): void;
  /** Resolves when all answers have ended, their records included, or when `milliseconds` have passed. */
  ended(milliseconds: number): Promise<void>;
}

/** Keeps account of the answers in flight. The worker gets no new ones once the host has asked it to end. */
export function trackInFlight(): InFlight {
  let count = 0;
  let onLast: (() => void) | undefined;
  return {
    get count() {
      return count;
    },
    add(response) {
      count += 1;
      whenClosed(response, () => {
        count -= 1;
        if (count === 0) onLast?.();
      });
    },
    async ended(milliseconds) {
      if (count === 0) return;
      const last = new Promise<void>((resolve) => {
        onLast = resolve;
      });
      await within(milliseconds, last);
    },
  };
}

/** The host kills a worker five seconds after it has asked it to end (azure-functions-host, `WorkerConstants`). */
const FAREWELL_MS = 4000;

/** Time for the telemetry when the answers have taken all of the above. */
const LAST_EXPORT_MS = 500;

/** What is known of the answers and has to leave the worker. Never rejects. */
interface Flushed {
  flush(): Promise<void>;
}

/** Lets the answers in flight end, and then out what is known of them. */
export async function shutDown(
  clock: Pick<Clock, 'now'>,
  inFlight: InFlight,
  ...flushed: readonly (Flushed | undefined)[]
): Promise<void> {
  const start = clock.now();
  await inFlight.ended(FAREWELL_MS);
  const last = Promise.all(flushed.map((one) => one?.flush()));
  await within(Math.max(LAST_EXPORT_MS, FAREWELL_MS - (clock.now() - start)), last);
}

async function within(milliseconds: number, task: Promise<unknown>): Promise<void> {
  await Promise.race([task, sleep(milliseconds, undefined, { ref: false })]);
}
