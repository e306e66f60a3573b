import { addAmounts, type Amounts, growth, noAmounts } from './amounts.ts';
import { hourBefore, type Windows, windowOf } from './calendar.ts';
import { type ClosedHours, createClosedHours } from './closed-hours.ts';
import { createMinuteBucket, type MinuteBucket } from './minute-bucket.ts';
import type { Row, StoredRow } from './store.ts';

/** A row of this instance. */
export interface OwnRow extends Row {
  readonly amounts: Amounts;
  etag: string | undefined;
  /** Calls of it that the store has. */
  writtenCalls: number;
}

const UNITS = ['tokens', 'cost'] as const;

/** What the calls of a subscription or a product have used, as this instance knows it. */
export interface Account {
  readonly key: string;
  /** Sums by the id of a window: what this instance has used, and what it has read of others. */
  used(window: string): Readonly<Amounts> | undefined;
  bucket(unit: 'tokens' | 'cost', limit: number): MinuteBucket;
  charge(amounts: Readonly<Amounts>, windows: Windows): void;
  /** Rows that the store does not have, or not as they are now. */
  changed(): OwnRow[];
  /** What others have used before the latest hours; these begin where it ends. */
  readonly closed: ClosedHours;
  /**
   * Takes the rows of the store from the hour before this one on. Of earlier ones only the versions of its own rows count.
   *
   * @param windows at the moment before they were read
   * @param readAt that moment by the clock of the buckets
   */
  take(rows: readonly StoredRow[], windows: Windows, readAt: number): void;
  /** Forgets what is over and written. @returns whether anything is left */
  tidy(windows: Windows, now: number): boolean;
}

/**
 * Sums are kept by adding what each row has grown by: one that has been read twice, or is read in an old copy, adds
 * nothing, and nothing drifts. The rows of this hour and the last are kept for that, of earlier ones only their sums.
 *
 * @param instance absent without a store: then there are no rows
 * @param openedAt by the clock of the buckets
 */
export function createAccount(key: string, instance: string | undefined, openedAt: number): Account {
  const sums = new Map<string, Amounts>();
  const own = new Map<string, OwnRow>();
  const others = new Map<string, Amounts>();
  const buckets = { tokens: new Map<number, MinuteBucket>(), cost: new Map<number, MinuteBucket>() };
  let hasRead = false;
  let lastReadAt = openedAt;

  const addTo = (window: string, amounts: Readonly<Amounts>) => {
    let sum = sums.get(window);
    if (sum === undefined) sums.set(window, (sum = noAmounts()));
    addAmounts(sum, amounts);
  };
  const addToOwn = (amounts: Readonly<Amounts>, hour: string) => {
    if (instance === undefined) return;
    let row = own.get(hour);
    if (row === undefined) {
      row = { account: key, hour, instance, amounts: noAmounts(), etag: undefined, writtenCalls: 0 };
      own.set(hour, row);
    }
    addAmounts(row.amounts, amounts);
  };

  const closed = createClosedHours(instance, addTo);
  const addRow = ({ hour, instance: other, amounts }: StoredRow) => {
    const name = `${hour} ${other}`;
    const known = others.get(name) ?? noAmounts();
    const more = growth(known, amounts);
    addAmounts(known, more);
    others.set(name, known);
    for (const window of [hour, windowOf(hour, 'day'), windowOf(hour, 'month')]) addTo(window, more);
  };

  return {
    key,
    used: (window) => sums.get(window),
    bucket(unit, limit) {
      let bucket = buckets[unit].get(limit);
      if (bucket === undefined) buckets[unit].set(limit, (bucket = createMinuteBucket(limit)));
      return bucket;
    },
    charge(amounts, { hour, day, month }) {
      addTo(hour, amounts);
      addTo(day, amounts);
      addTo(month, amounts);
      addToOwn(amounts, hour);
    },
    changed: () => Array.from(own.values()).filter(({ amounts, writtenCalls }) => amounts.calls !== writtenCalls),
    closed,
    take(rows, windows, readAt) {
      const { month } = windows;
      const before = { ...(sums.get(month) ?? noAmounts()) };
      closed.moveTo(windows);
      for (const [name, amounts] of others) {
        if (name >= closed.end()) continue;
        others.delete(name);
        closed.add(amounts, windowOf(name, 'hour'));
      }
      for (const row of rows) {
        const mine = row.instance === instance ? own.get(row.hour) : undefined;
        if (mine !== undefined) mine.etag = row.etag;
        else if (row.hour >= closed.end() && row.instance !== instance) addRow(row);
      }
      // What was used before this instance knew the account may be long ago, and so is what is found in closed hours.
      if (hasRead) {
        const grown = growth(before, sums.get(month) ?? before);
        for (const unit of UNITS) for (const bucket of buckets[unit].values()) bucket.take(grown[unit], lastReadAt);
      }
      hasRead = true;
      lastReadAt = readAt;
    },
    tidy({ hour, day, month }, now) {
      for (const id of sums.keys()) {
        if (id < (id.length === hour.length ? hour : id.length === day.length ? day : month)) sums.delete(id);
      }
      for (const [name, { amounts, writtenCalls }] of own) {
        if (name < hourBefore(hour) && amounts.calls === writtenCalls) own.delete(name);
      }
      for (const unit of UNITS) {
        for (const [limit, bucket] of buckets[unit]) if (bucket.isFull(now)) buckets[unit].delete(limit);
      }
      return sums.size + own.size + buckets.tokens.size + buckets.cost.size > 0;
    },
  };
}
