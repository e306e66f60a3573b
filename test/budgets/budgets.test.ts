import { describe, expect, it } from 'vitest';

import { type LoadOptions, runLoad } from './run.ts';
import { difference, type Sums } from './sums.ts';

/** `npm run budgets` makes 100,000 calls instead: test/budgets/README.md. */
function load(options: Partial<LoadOptions>) {
  return runLoad({ calls: 600, workers: 3, lanes: 6, faults: false, kills: 0, monthEnds: false, ...options });
}

const values = (sums: Sums) => Object.values(sums);

describe('workers of two teams over one table, with cut streams and errors', () => {
  it('hold in the end what Bedrock has told, kind by kind and to a billionth, whatever the table did meanwhile', async () => {
    const { unexpected, accounts, usage } = await load({ calls: 2000, faults: true });
    expect(unexpected).toStrictEqual([]);
    expect(accounts).toHaveLength(5);
    for (const { name, told, stored } of accounts) {
      expect(values(told).every((sum) => sum > 0n)).toBe(true);
      expect(stored, name).toStrictEqual(told);
    }
    expect(new Set(usage.workers)).toStrictEqual(new Set([usage.table]));
  });

  it('also when a month ends under load, by clocks that differ', async () => {
    const { unexpected, accounts, months, usage } = await load({ faults: true, monthEnds: true });
    expect(unexpected).toStrictEqual([]);
    expect(months).toHaveLength(2);
    for (const { name, told, stored } of accounts) expect(stored, name).toStrictEqual(told);
    expect(new Set(usage.workers)).toStrictEqual(new Set([usage.table]));
  });

  it('miss at most what a worker that is killed had not written', async () => {
    const { unexpected, accounts, kills } = await load({ kills: 4 });
    expect(unexpected).toStrictEqual([]);
    expect(kills).toHaveLength(4);
    for (const { name, told, stored, most } of accounts) {
      const missing = difference(told, stored);
      expect(
        values(missing).every((sum) => sum >= 0n),
        name,
      ).toBe(true);
      expect(Number(missing.calls), name).toBeLessThanOrEqual(most);
    }
  });
});
