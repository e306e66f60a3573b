import { join } from 'node:path';

import { type Child, startChild } from './child.ts';
import type { LoadService } from './load-process.ts';

/** The process of the clients. */
export type Client = Child<LoadService>;

export function startClient(): Promise<Client> {
  return startChild<LoadService>(join(import.meta.dirname, 'load-process.ts'));
}
