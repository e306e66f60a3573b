import { join } from 'node:path';

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/build-bundle.ts',
    setupFiles: 'test/take-coverage.ts',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Each suite starts servers and a worker process of its own; more at a time than cores only slows them down.
    maxWorkers: 2,
    pool: 'forks',
    // Node itself loads the sources, by type stripping, as it does everywhere else; coverage then speaks of the real lines.
    server: { deps: { external: [/\/src\//] } },
  },
});
