import { addAmounts, type Amounts, growth, noAmounts } from './amounts.ts';
import { hourBefore, monthStart, type Windows, windowOf } from './calendar.ts';
import type { Page, Range } from './store.ts';

/** What others have used in those hours of this month that are over, read page by page. */
export interface ClosedHours {
  /** Hours before this one are closed; empty before the first `moveTo`. */
  end(): string;
  /** The latest hours are read at this moment: all before the last one are closed. An earlier moment changes nothing. */
  moveTo(windows: Windows): void;
  /** What is known of a row whose hour has been closed, and is in the sums already. */
  add(amounts: Readonly<Amounts>, hour: string): void;
  /** Whether each of these hours has been read after its end; a row of it may have been written later still. */
  isWhole(): boolean;
  /** What is to be read next; undefined: nothing before another hour is closed. */
  next(): Range | undefined;
  /** @param asked as `next` has told it; ignored if it has told another one since */
  take(asked: Range, page: Page): void;
}

/** Whose latest hours are read as often as this, of that one every hour has been read to its end, and beyond. */
const ALL_ALONG_MS = 120_000;

/**
 * Once an hour all of them are read, because an instance may have written one late. Rows are not kept: each reading makes
 * sums of its own, and what these have beyond those that are counted is added. So a reading that breaks goes on where it
 * was, a page counts once, and a reading that is not at its end yet takes nothing from what an earlier one has found.
 *
 * @param instance whose rows do not count: what it has used is known without them
 * @param addTo takes what a window has more
 */
export function createClosedHours(
  instance: string | undefined,
  addTo: (window: string, amounts: Readonly<Amounts>) => void,
): ClosedHours {
  const counted = new Map<string, Amounts>();
  let start = '';
  let end = '';
  let latestAt = Number.NEGATIVE_INFINITY;
  let isWhole = false;
  let reading: { after: string; asked: Range | undefined; readonly sums: Map<string, Amounts> } | undefined;

  return {
    end: () => end,
    moveTo({ hour, now }) {
      const isAllAlong = now - latestAt <= ALL_ALONG_MS;
      latestAt = now;
      const [from, to] = [monthStart(hour), hourBefore(hour)];
      if (to <= end) return;
      if (from !== start) {
        counted.clear();
        reading = undefined;
      }
      const isEmpty = to <= from;
      isWhole = isEmpty || (isWhole && isAllAlong);
      // One under way goes on to the new end.
      if (!isEmpty) reading ??= { after: from, asked: undefined, sums: new Map() };
      [start, end] = [from, to];
    },
    add(amounts, hour) {
      if (hour >= start) addIn(counted, amounts, hour);
    },
    isWhole: () => isWhole,
    next: () => reading && (reading.asked = { after: reading.after, before: end }),
    take(asked, { rows, next }) {
      if (reading?.asked !== asked) return;
      for (const row of rows) if (row.instance !== instance) addIn(reading.sums, row.amounts, row.hour);
      for (const [window, sum] of reading.sums) {
        const more = growth(sumOf(counted, window), sum);
        addAmounts(sumOf(counted, window), more);
        addTo(window, more);
      }
      reading.after = next ?? asked.before ?? end;
      reading.asked = undefined;
      if (reading.after !== end) return;
      reading = undefined;
      isWhole = true;
    },
  };
}

const NOTHING = noAmounts();

function addIn(sums: Map<string, Amounts>, amounts: Readonly<Partial<Amounts>>, hour: string): void {
  const more = growth(NOTHING, amounts);
  for (const window of ['day', 'month'] as const) addAmounts(sumOf(sums, windowOf(hour, window)), more);
}

function sumOf(sums: Map<string, Amounts>, window: string): Amounts {
  let sum = sums.get(window);
  if (sum === undefined) sums.set(window, (sum = noAmounts()));
  return sum;
}
