import { join } from 'node:path';

import { startChild } from './child.ts';
import type { Load, Target } from './load.ts';
import type { LoadService } from './load-process.ts';
import type { Work } from './works.ts';

/** The process of the clients. */
export interface Client {
  open(target: Target, work: Work): Promise<RemoteLoad>;
  stop(): Promise<void>;
}

/** A load in that process. */
export interface RemoteLoad extends Pick<Load, 'run' | 'hold' | 'close'> {
  received(): Promise<number>;
}

export async function startClient(): Promise<Client> {
  const { ask, stop } = await startChild<LoadService>(join(import.meta.dirname, 'load-process.ts'));
  return {
    async open(target, work) {
      const load = await ask('open', { target, work });
      return {
        run: (milliseconds) => ask('run', { load, milliseconds }),
        hold: () => ask('hold', load),
        received: () => ask('received', load),
        close: () => ask('close', load),
      };
    },
    stop,
  };
}
