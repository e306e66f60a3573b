import { join } from 'node:path';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/build-bundle.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Each suite starts servers and a worker process of its own; more at a time than cores only slows them down.
    maxWorkers: 2,
  },
});
