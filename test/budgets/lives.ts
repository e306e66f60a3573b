import { performance } from 'node:perf_hooks';

import type { TableStorage } from '../emulators/azure/table-storage.ts';
import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import { stored } from './sums.ts';

/**
 * One life of a worker's process. Its calls have a product of their own, so that the account of the product tells what
 * this life has written.
 */
export interface Life {
  readonly host: FunctionsHost;
  readonly product: string;
  /** Calls that have begun and not ended. */
  open: number;
  /** When each of the others has ended, and the writes that have told more calls than the one before; by `performance.now`. */
  readonly ends: number[];
  readonly writes: number[];
  writtenCalls: bigint;
  /** Open calls and the time when it was killed. */
  killed: { readonly open: number; readonly at: number } | undefined;
}

export function newLife(host: FunctionsHost, product: string): Life {
  return { host, product, open: 0, ends: [], writes: [], writtenCalls: 0n, killed: undefined };
}

/** Looks whether the table has more calls of these lives than before. To be called at each of its operations. */
export function watchWrites(storage: TableStorage, lives: Iterable<Life>): void {
  for (const life of lives) {
    if (life.killed !== undefined) continue;
    const { calls } = stored(storage, `product:${life.product}`);
    if (calls > life.writtenCalls) life.writes.push(performance.now());
    life.writtenCalls = calls;
  }
}

/**
 * How many calls of a life that was killed may be missing: those that were open, and those that ended after its last but
 * one write was seen: the last one has all that ended before.
 */
export function mostMissing({ killed, ends, writes }: Life): number {
  if (killed === undefined) return 0;
  const since = writes.at(-2) ?? 0;
  return killed.open + ends.filter((end) => end >= since).length;
}
