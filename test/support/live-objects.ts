import { join } from 'node:path';

import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from './root.ts';

/** Live objects of a worker. */
export interface LiveObjects {
  readonly requests: number;
  readonly responses: number;
  readonly sockets: number;
  readonly timers: number;
  /** Bytes. */
  readonly heapUsed: number;
  /** Bytes outside the heap: buffers. */
  readonly arrayBuffers: number;
}

/** Arguments of Node for a worker whose objects are to be counted. */
export const COUNT_OBJECTS = ['--require', join(root, 'test/support/count-objects.cjs')];

/** What of the worker is alive, after its garbage has been collected. */
export function countObjects(host: FunctionsHost): Promise<LiveObjects> {
  const counts = new Promise<LiveObjects>((resolve) => {
    const off = host.onLog(({ message }) => {
      if (!message.startsWith('{"event":"objects"')) return;
      off();
      resolve(JSON.parse(message) as LiveObjects);
    });
  });
  process.kill(host.workerPid, 'SIGUSR2');
  return counts;
}

/** Bytes that the worker cannot do without: what is left of them when its garbage has been collected. */
export async function liveBytes(host: FunctionsHost): Promise<number> {
  const { heapUsed, arrayBuffers } = await countObjects(host);
  return heapUsed + arrayBuffers;
}
