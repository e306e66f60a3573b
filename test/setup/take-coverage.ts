import { takeCoverage } from 'node:v8';

import { afterAll } from 'vitest';

/** Test workers are ended without ceremony, so what they have covered is written after each file. */
afterAll(() => {
  if (process.env['NODE_V8_COVERAGE'] !== undefined) takeCoverage();
});
