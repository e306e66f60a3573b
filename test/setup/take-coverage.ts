import { createRequire } from 'node:module';

import { afterAll } from 'vitest';

interface Collector {
  writeCoverage(): void;
}

// Test workers are ended without ceremony, so what they have covered is written after each file.
if (process.env['COVERAGE_FOLDER'] !== undefined) {
  const { writeCoverage } = createRequire(import.meta.url)('./collect-coverage.cjs') as Collector;
  afterAll(writeCoverage);
}
