import { expect, it } from 'vitest';

import { addAmounts, type Amounts, amountsOf, noAmounts } from '../../../src/budgets/amounts.ts';
import { createCalendar } from '../../../src/budgets/calendar.ts';
import { createClosedHours } from '../../../src/budgets/closed-hours.ts';

const SECOND = 1000;
const HOUR = 3_600_000;

function closedHours(date: number) {
  const sums = new Map<string, Amounts>();
  let time = date;
  const windows = createCalendar(() => time);
  const closed = createClosedHours('one', (window, amounts) => {
    const sum = sums.get(window) ?? noAmounts();
    addAmounts(sum, amounts);
    sums.set(window, sum);
  });
  closed.moveTo(windows());
  return {
    ...closed,
    pass(milliseconds: number) {
      time += milliseconds;
      closed.moveTo(windows());
    },
    /** What is to be read next, for which there must be something. */
    asked() {
      const range = closed.next();
      if (range === undefined) throw new Error('nothing to read');
      return range;
    },
    tokens: (window: string) => sums.get(window)?.tokens ?? 0,
  };
}

function row(hour: string, inputTokens: number) {
  return { account: 'a', hour, instance: 'two', amounts: amountsOf({ inputTokens }, 0), etag: '1' };
}

it('an hour that is closed while the last page is read, is read after it', () => {
  const closed = closedHours(Date.UTC(2026, 10, 30, 8, 59, 59));
  const last = closed.asked();
  expect(last).toStrictEqual({ after: '2026-11-01T00', before: '2026-11-30T07' });
  closed.pass(2 * SECOND);
  closed.take(last, { rows: [row('2026-11-30T06', 5)], next: undefined });
  expect(closed.isWhole()).toBe(false);
  const more = closed.asked();
  expect(more).toStrictEqual({ after: '2026-11-30T07', before: '2026-11-30T08' });
  closed.take(more, { rows: [row('2026-11-30T07', 7)], next: undefined });
  expect([closed.isWhole(), closed.next(), closed.tokens('2026-11')]).toStrictEqual([true, undefined, 12]);
});

it('a page of a month that has ended since, and one that comes twice, change nothing', () => {
  const closed = closedHours(Date.UTC(2026, 10, 30, 23, 59, 59));
  const old = closed.asked();
  closed.pass(3 * HOUR);
  const page = closed.asked();
  closed.take(old, { rows: [row('2026-11-30T06', 5)], next: '2026-11-30T06_two' });
  closed.take(page, { rows: [row('2026-12-01T00', 7)], next: '2026-12-01T00_two' });
  closed.take(page, { rows: [row('2026-12-01T00', 7)], next: '2026-12-01T00_two' });
  expect([closed.tokens('2026-11'), closed.tokens('2026-12')]).toStrictEqual([0, 7]);
  expect(closed.next()).toStrictEqual({ after: '2026-12-01T00_two', before: '2026-12-01T01' });
});

it('an old copy of a row takes nothing away', () => {
  const closed = closedHours(Date.UTC(2026, 10, 30, 8));
  closed.take(closed.asked(), { rows: [row('2026-11-30T06', 5)], next: undefined });
  closed.pass(HOUR);
  closed.take(closed.asked(), { rows: [row('2026-11-30T06', 3)], next: undefined });
  expect(closed.tokens('2026-11-30')).toBe(5);
  closed.pass(HOUR);
  closed.take(closed.asked(), { rows: [row('2026-11-30T06', 9)], next: undefined });
  expect(closed.tokens('2026-11-30')).toBe(9);
});

it('the first hours of a month have nothing before them', () => {
  const closed = closedHours(Date.UTC(2026, 11, 1));
  expect([closed.isWhole(), closed.next()]).toStrictEqual([true, undefined]);
  closed.pass(HOUR);
  expect([closed.isWhole(), closed.next()]).toStrictEqual([true, undefined]);
  closed.pass(HOUR);
  expect(closed.next()).toStrictEqual({ after: '2026-12-01T00', before: '2026-12-01T01' });
});
