/** What a process tells of itself to the one that measures it. */
export const ownUsage = {
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
