import { expect, it } from 'vitest';

import { createAttempts } from '../../../src/budgets/attempts.ts';
import { manualClock } from '../../support/manual-clock.ts';

const MINUTE = 60_000;

function attempts() {
  const clock = manualClock();
  const told: number[] = [];
  const make = createAttempts(clock, (_error, failures) => told.push(failures));
  return { clock, told, make };
}

it('the pause doubles up to a minute, and is what the store asks for if that is longer', () => {
  const one = attempts().make();
  const pauses = Array.from({ length: 8 }, () => one.failed(new Error('no')) / 1000);
  expect(pauses).toStrictEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  one.succeeded();
  expect(one.failed(Object.assign(new Error('busy'), { retryAfterSeconds: 7 }))).toBe(7000);
});

it('each is counted by itself', () => {
  const { make, told } = attempts();
  const [bad, good] = [make(), make()];
  for (let failures = 0; failures < 20; failures += 1) {
    bad.failed(new Error('no'));
    good.succeeded();
  }
  expect(told).toStrictEqual([1, 10, 20]);
  expect([bad.isFailing(), good.isFailing()]).toStrictEqual([true, false]);
});

it('of many that begin to fail one is told, and after a minute another', async () => {
  const { make, told, clock } = attempts();
  for (let other = 0; other < 50; other += 1) make().failed(new Error('no'));
  expect(told).toStrictEqual([1]);
  await clock.pass(MINUTE);
  make().failed(new Error('no'));
  expect(told).toStrictEqual([1, 1]);
});

it('nothing is lost at the first failure after a night without an attempt', async () => {
  const { make, clock } = attempts();
  const one = make();
  one.succeeded();
  await clock.pass(600 * MINUTE);
  one.failed(new Error('no'));
  expect(one.isLost(MINUTE)).toBe(false);
  await clock.pass(MINUTE);
  expect(one.isLost(MINUTE)).toBe(true);
  one.succeeded();
  expect(one.isLost(MINUTE)).toBe(false);
});
