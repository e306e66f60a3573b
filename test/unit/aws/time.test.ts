import { describe, expect, it } from 'vitest';

import { createAwsTime } from '../../../src/aws/time.ts';

const MINUTE = 60_000;
const NOON = Date.UTC(2026, 0, 2, 12);

/** A machine whose clock the test sets, and the differences that were told. */
function machine() {
  const state = { date: NOON };
  const told: number[] = [];
  const time = createAwsTime(
    (offsetMs) => told.push(offsetMs),
    () => state.date,
  );
  return { state, told, time };
}

const header = (milliseconds: number) => new Date(milliseconds).toUTCString();

describe('AWS’s time', () => {
  it('is that of the machine as long as nothing else is known', () => {
    const { state, time } = machine();
    expect(time.now()).toBe(NOON);
    state.date += 5;
    expect(time.now()).toBe(NOON + 5);
  });

  it.each([10 * MINUTE, -10 * MINUTE, 400 * 24 * 60 * MINUTE])('is %d ms from the machine’s, told once', (offset) => {
    const { state, told, time } = machine();
    expect(time.learn(header(NOON + offset), 0)).toBe(true);
    expect(time.now()).toBe(NOON + offset);
    state.date += 5000;
    // Others that were refused at the same moment.
    expect(time.learn(header(NOON + offset + 4000), 1000)).toBe(true);
    expect(time.now()).toBe(NOON + offset + 5000);
    expect(told).toStrictEqual([offset]);
  });

  it('has gone on for half of the round trip since the answer was dated', () => {
    const { time } = machine();
    time.learn(header(NOON + 10 * MINUTE), 30_000);
    expect(time.now()).toBe(NOON + 10 * MINUTE + 15_000);
  });

  it('is the machine’s once more when its clock is right again', () => {
    const { state, told, time } = machine();
    time.learn(header(NOON + 10 * MINUTE), 0);
    state.date += 10 * MINUTE;
    expect(time.learn(header(state.date - 900), 200)).toBe(true);
    expect(time.now()).toBe(state.date);
    expect(told).toStrictEqual([10 * MINUTE, 0]);
  });

  it('is followed when the machine’s clock jumps once more', () => {
    const { state, told, time } = machine();
    time.learn(header(NOON + 10 * MINUTE), 0);
    state.date -= 20 * MINUTE;
    time.learn(header(NOON + 10 * MINUTE), 0);
    expect(time.now()).toBe(NOON + 10 * MINUTE);
    expect(told).toStrictEqual([10 * MINUTE, 30 * MINUTE]);
  });

  it('is no news within a minute: the signature had waited to be sent', () => {
    const { told, time } = machine();
    expect(time.learn(header(NOON + 59_000), 0)).toBe(true);
    expect(time.now()).toBe(NOON);
    expect(told).toStrictEqual([]);
  });

  it.each([undefined, '', 'soon', '5', '2026-01-02T13:00:00Z', 'Fri, 40 Jan 2026 13:00:00 GMT'])(
    'is not told by a Date of %j',
    (date) => {
      const { told, time } = machine();
      expect(time.learn(date, 0)).toBe(false);
      expect(time.now()).toBe(NOON);
      expect(told).toStrictEqual([]);
    },
  );
});
