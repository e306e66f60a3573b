import { expect, it } from 'vitest';

import { FAULTS } from './faults.ts';
import { runSoak } from './run.ts';
import { complaintsOf, table } from './table.ts';

it('ten seconds of calls, faults and a rotation: each call is accounted for, and nothing stays behind', async () => {
  const options = {
    seconds: 10,
    leastCalls: 400,
    callers: 20,
    faultPercent: 10,
    rotateSeconds: 6,
    timeoutSeconds: 2,
    settleSeconds: 60,
  };
  const result = await runSoak(options);
  expect(complaintsOf(result)).toStrictEqual([]);
  expect(result.rotations).toBe(1);
  const missing = FAULTS.filter(({ name }) => !result.outcomes.has(name));
  expect(missing.map(({ name }) => name)).toStrictEqual(['signature refused']);
  expect(table(result, options, new Date())).toMatch(/\(none\) +\d+ {2}complete × \d+\n/);
});
