/** Preloaded into a worker: the host's messages know no garbage collection. */
process.on('SIGUSR2', () => {
  // Twice: what the first pass has freed may hold buffers that only the next one can.
  globalThis.gc?.();
  globalThis.gc?.();
});
