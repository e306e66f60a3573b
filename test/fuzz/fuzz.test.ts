import { expect, it } from 'vitest';

import { fuzz } from './fuzzer.ts';

/** The short form of `npm run fuzz`, whose seed differs from run to run. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

it(`600 mutated requests of seed ${SEED} are answered or closed, and valid calls go on`, async () => {
  const report = await fuzz({ requests: 600, seed: SEED, batch: 100 });
  expect(report.failures).toStrictEqual([]);
  expect(report).toMatchObject({ restarts: 0, validCalls: 6 });
  // The mutations leave enough in order to get through, and break enough to be refused.
  expect(report.reachedBedrock).toBeGreaterThan(100);
  for (const region of ['us-east-1', 'eu-west-1']) expect(report.reachedByRegion[region]).toBeGreaterThan(5);
  expect(report.outcomes['400']).toBeGreaterThan(50);
  expect(Math.min(...report.heapMiB.slice(-3))).toBeLessThan(Math.min(...report.heapMiB.slice(0, 3)) + 32);
});
