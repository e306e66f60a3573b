import { describe, expect, it } from 'vitest';

import { createCalendar, hourBefore, monthStart } from '../../../src/budgets/calendar.ts';

describe('windows', () => {
  it('are those of UTC, and no clock leads back into one', () => {
    let time = Date.parse('2026-11-30T23:59:59.999Z');
    const windows = createCalendar(() => time);
    expect(windows()).toMatchObject({ hour: '2026-11-30T23', day: '2026-11-30', month: '2026-11' });
    time += 1;
    const next = { hour: '2026-12-01T00', day: '2026-12-01', month: '2026-12', now: time };
    expect(windows()).toMatchObject(next);
    time -= 3_600_000;
    expect(windows()).toMatchObject(next);
  });

  it.each([
    ['hour', '2026-11-30T08:00:00.000Z', '2026-11-30T09:00:00.000Z'],
    ['hour', '2026-12-31T23:59:59.999Z', '2027-01-01T00:00:00.000Z'],
    ['day', '2028-02-28T12:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    ['month', '2028-01-31T12:00:00.000Z', '2028-02-01T00:00:00.000Z'],
    ['month', '2026-12-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z'],
  ] as const)('the %s of %s ends at %s', (window, now, end) => {
    expect(new Date(createCalendar(() => Date.parse(now))().ends[window]).toISOString()).toBe(end);
  });

  it('the hour before, and the first of a month', () => {
    expect(hourBefore('2027-01-01T00')).toBe('2026-12-31T23');
    expect(monthStart('2026-11-30T08')).toBe('2026-11-01T00');
  });
});
