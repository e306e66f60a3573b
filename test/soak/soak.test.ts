import { expect, it } from 'vitest';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { FAULTS } from './faults.ts';
import { runSoak } from './run.ts';
import { complaintsOf, table } from './table.ts';

it('ten seconds of calls, faults and a rotation: each call is accounted for, and nothing stays behind', async () => {
  const options = {
    seconds: 10,
    leastCalls: 600,
    workers: 2,
    callers: 10,
    faultPercent: 10,
    rotateSeconds: 6,
    timeoutSeconds: 5,
    settleSeconds: 60,
  };
  const result = await runSoak(options);
  expect(complaintsOf(result, options)).toStrictEqual([]);
  expect(result.rotations).toBe(1);
  const missing = FAULTS.filter(({ name }) => !result.outcomes.has(name));
  expect(missing.map(({ name }) => name)).toStrictEqual(['signature refused']);
  for (const group of GROUPS) {
    for (const region of ['us-east-1', 'us-west-2']) {
      expect(result.byGroup.get(`${group} ${region}`), `${group} ${region}`).toBeGreaterThan(0);
    }
  }
  for (const { name, told } of result.accounts) expect(told.whole.tokens > 0n, name).toBe(true);
  expect(result.usedUp).toBeGreaterThan(0);
  expect(table(result, options, new Date())).toMatch(/\(none\) +\d+ {2}complete × \d+/);
});
