import { expect, it } from 'vitest';

import { fuzzOrders } from './order-fuzzer.ts';

/** The short form of `npm run fuzz -- --only orders`, whose seed differs from run to run. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

it(`300 calls by orders of seed ${SEED} are refused by name or counted, on two workers over a table that fails`, async () => {
  const { failures, restarts, outcomes, accounts } = await fuzzOrders({ requests: 300, seed: SEED, workers: 2 });
  expect(failures).toStrictEqual([]);
  expect(restarts).toBe(0);
  for (const name of [
    'gateway: complete',
    'gateway: 503 ServiceUnavailableException',
    'client: complete',
    'bytes: 200',
  ]) {
    expect(outcomes[name], name).toBeGreaterThan(15);
  }
  expect(accounts.length).toBeGreaterThan(10);
});
