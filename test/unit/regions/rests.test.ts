import { beforeEach, expect, it } from 'vitest';

import { createRests, type Rests } from '../../../src/regions/rests.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

let clock: ManualClock;
let rests: Rests;
beforeEach(() => {
  clock = manualClock();
  rests = createRests(clock, 1000);
});

/** Pauses after refusals that each come when the last pause is over. */
async function pauses(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) {
    rests.refused('a');
    const ms = rests.remainingMs('a');
    found.push(ms);
    await clock.pass(ms);
  }
  return found;
}

it('pauses grow, up to half a minute', async () => {
  expect(await pauses(9)).toStrictEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(rests.remainingMs('a')).toBe(0);
});

it('and begin anew after an answer, or a minute without a refusal', async () => {
  await pauses(4);
  rests.served('a');
  expect(rests.remainingMs('a')).toBe(0);
  expect(await pauses(2)).toStrictEqual([250, 500]);
  await clock.pass(59_999);
  expect(await pauses(1)).toStrictEqual([1000]);
  await clock.pass(60_000);
  expect(await pauses(1)).toStrictEqual([250]);
});

it('what was sent together is refused once', async () => {
  for (let call = 0; call < 100; call += 1) rests.refused('a');
  expect(rests.remainingMs('a')).toBe(250);
  await clock.pass(250);
  expect(await pauses(1)).toStrictEqual([500]);
});

it("AWS's own word counts, but for no more than five minutes", async () => {
  rests.refused('a', 7000);
  expect(rests.remainingMs('a')).toBe(7000);
  rests.refused('a', 3000);
  expect(rests.remainingMs('a')).toBe(7000);
  rests.refused('a', 9000);
  expect(rests.remainingMs('a')).toBe(9000);
  await clock.pass(9000);
  rests.refused('a', 1e9);
  expect(rests.remainingMs('a')).toBe(300_000);
  rests.refused('b', 0);
  expect(rests.remainingMs('b')).toBe(0);
});

it('each rests for itself, and so many are remembered', () => {
  for (let key = 0; key < 5000; key += 1) rests.refused(String(key));
  const resting = Array.from({ length: 5000 }, (_, key) => rests.remainingMs(String(key))).filter((ms) => ms > 0);
  expect(resting).toHaveLength(1000);
  expect(rests.remainingMs('4999')).toBe(250);
});
