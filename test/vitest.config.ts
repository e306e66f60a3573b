import { defineConfig } from 'vitest/config';

import { root } from './support/root.ts';

const common = {
  root,
  // Bounds what hangs; a busy machine takes ten times as long for some hundred calls as an idle one.
  testTimeout: 300_000,
  hookTimeout: 300_000,
};

/** What runs on the sources alone. */
const UNIT = ['test/unit/**/*.test.ts', 'test/docs/**/*.test.ts', 'test/emulators/**/*.test.ts'];

export default defineConfig({
  test: {
    root,
    // Each suite starts servers and worker processes of its own, which fill the two cores of a small machine; one more at a
    // time, since some wait more than they compute.
    maxWorkers: 3,
    pool: 'forks',
    // Node itself loads the sources, by type stripping, as it does everywhere else; coverage then speaks of the real lines.
    server: { deps: { external: [/\/src\//] } },
    projects: [
      {
        extends: true,
        // The others do not run the sources, but the bundles in processes of their own, which the host has covered.
        test: { ...common, name: 'unit', include: UNIT, setupFiles: 'test/setup/take-coverage.ts' },
      },
      {
        extends: true,
        test: {
          ...common,
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: UNIT,
          globalSetup: 'test/setup/build-bundle.ts',
        },
      },
    ],
  },
});
