import type { WindowName } from './budget.ts';

/** A window of the calendar, in UTC. */
export type CalendarWindow = Exclude<WindowName, 'minute'>;

/** The windows at a moment. Ids are the beginning of an ISO 8601 time: `2026-11`, `2026-11-30`, `2026-11-30T08`. */
export interface Windows {
  readonly hour: string;
  readonly day: string;
  readonly month: string;
  /** When each ends; this and `now` in milliseconds since the epoch. */
  readonly ends: Readonly<Record<CalendarWindow, number>>;
  readonly now: number;
}

const HOUR_MS = 3_600_000;
const LENGTH = { hour: 13, day: 10, month: 7 } as const;

/** Id of the window of a kind that an hour belongs to. */
export function windowOf(hour: string, window: CalendarWindow): string {
  return hour.slice(0, LENGTH[window]);
}

/** The hour before this one. */
export function hourBefore(hour: string): string {
  return hourAt(Date.parse(`${hour}:00Z`) - HOUR_MS);
}

/** The hour after this one. */
export function hourAfter(hour: string): string {
  return hourAt(Date.parse(`${hour}:00Z`) + HOUR_MS);
}

/** First hour of its month. */
export function monthStart(hour: string): string {
  return `${windowOf(hour, 'month')}-01T00`;
}

function endOf(window: CalendarWindow, now: number): number {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  if (window === 'month') return Date.UTC(year, month + 1);
  return window === 'day' ? Date.UTC(year, month, day + 1) : Date.UTC(year, month, day, date.getUTCHours() + 1);
}

/**
 * Tells the windows of the moment. A clock that is set back does not lead back into a window that has ended, whose row
 * may be complete in the store.
 *
 * @param date milliseconds since the epoch
 */
export function createCalendar(date: () => number): () => Windows {
  let latest = Number.NEGATIVE_INFINITY;
  let windows: Omit<Windows, 'now'> | undefined;
  return () => {
    latest = Math.max(latest, date());
    if (windows === undefined || latest >= windows.ends.hour) windows = windowsAt(latest);
    const { hour, day, month, ends } = windows;
    return { hour, day, month, ends, now: latest };
  };
}

function windowsAt(time: number): Omit<Windows, 'now'> {
  const hour = hourAt(time);
  const ends = { hour: endOf('hour', time), day: endOf('day', time), month: endOf('month', time) };
  return { hour, day: windowOf(hour, 'day'), month: windowOf(hour, 'month'), ends };
}

function hourAt(time: number): string {
  return new Date(time).toISOString().slice(0, LENGTH.hour);
}
