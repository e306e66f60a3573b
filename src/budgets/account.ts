import { addAmounts, type Amounts, growth, noAmounts } from './amounts.ts';
import { hourBefore, monthStart, type Windows, windowOf } from './calendar.ts';
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
  /** The hour from which on rows are to be read now: once an hour those of the whole month, else only the latest. */
  readFrom(windows: Windows): string;
  /**
   * Takes the rows of the store from `readFrom` on, or from an earlier hour.
   *
   * @param windows as `readFrom` got them
   * @param readAt by the clock of the buckets
   */
  take(rows: readonly StoredRow[], windows: Windows, readAt: number): void;
  /** Forgets what is over and written. @returns whether anything is left */
  tidy(windows: Windows, now: number): boolean;
}

/**
 * Sums are kept by adding what each row has grown by: one that has been read twice, or is read in an old copy, adds
 * nothing, and nothing drifts. Hours that are over are not read again and their rows not kept, but for once an hour, when
 * all of the month is summed up anew: an instance may have written one late.
 *
 * @param instance absent without a store: then there are no rows
 * @param openedAt by the clock of the buckets
 */
export function createAccount(key: string, instance: string | undefined, openedAt: number): Account {
  const sums = new Map<string, Amounts>();
  const own = new Map<string, OwnRow>();
  const others = new Map<string, Amounts>();
  const buckets = { tokens: new Map<number, MinuteBucket>(), cost: new Map<number, MinuteBucket>() };
  let summedIn = '';
  let lastReadAt = openedAt;

  const addTo = (window: string, amounts: Readonly<Amounts>) => {
    let sum = sums.get(window);
    if (sum === undefined) sums.set(window, (sum = noAmounts()));
    addAmounts(sum, amounts);
  };
  const add = (amounts: Readonly<Amounts>, hour: string) => {
    for (const window of [hour, windowOf(hour, 'day'), windowOf(hour, 'month')]) addTo(window, amounts);
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

  const addRow = ({ hour, instance: other, amounts }: StoredRow, latest: string) => {
    const name = `${hour} ${other}`;
    const known = others.get(name) ?? noAmounts();
    const more = growth(known, amounts);
    addAmounts(known, more);
    if (hour >= latest) others.set(name, known);
    add(more, hour);
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
    readFrom: ({ hour }) => (summedIn === hour ? hourBefore(hour) : monthStart(hour)),
    take(rows, { hour, month }, readAt) {
      const before = { ...(sums.get(month) ?? noAmounts()) };
      const isWhole = summedIn !== hour;
      if (isWhole) {
        sums.clear();
        others.clear();
        for (const row of own.values()) add(row.amounts, row.hour);
      }
      const latest = hourBefore(hour);
      for (const row of rows) {
        const mine = row.instance === instance ? own.get(row.hour) : undefined;
        if (mine !== undefined) mine.etag = row.etag;
        else if (isWhole || (row.hour >= latest && row.instance !== instance)) addRow(row, latest);
      }
      for (const name of others.keys()) if (name < latest) others.delete(name);
      // What was used before this instance knew the account may be long ago.
      if (summedIn !== '') {
        const grown = growth(before, sums.get(month) ?? before);
        for (const unit of UNITS) for (const bucket of buckets[unit].values()) bucket.take(grown[unit], lastReadAt);
      }
      summedIn = hour;
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
