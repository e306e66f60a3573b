import { serve } from '../child.ts';

/** Preloaded into a program that is not ours, so that it can be measured as the others are. */

const service = {
  usage() {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    return { rss, heapUsed, cpuMicroseconds: user + system };
  },
  collectGarbage() {
    globalThis.gc?.();
    globalThis.gc?.();
  },
};
export type UsageService = typeof service;
serve(service);
