import { join } from 'node:path';

import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from './root.ts';

/** Arguments of Node for a worker whose limits of 100 to 220 seconds run out when a test says so. */
export const DEADLINES_BY_HAND = ['--require', join(root, 'test/support/worker-deadlines.cjs')];

/** Lets those limits run out that the worker waits for now, when it has read what was sent to it before. */
export function passDeadlines(host: FunctionsHost): void {
  process.kill(host.workerPid, 'SIGUSR2');
}
