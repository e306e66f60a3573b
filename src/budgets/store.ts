import type { Amounts } from './amounts.ts';

/** What one instance has used within an hour, in absolute numbers: writing it twice is writing it once. */
export interface Row {
  /** The account: `subscription:…` or `product:…`. */
  readonly account: string;
  /** Hour in UTC, `2026-11-30T08`. */
  readonly hour: string;
  /** Names a life of a process. A row belongs to one and is written by no other. */
  readonly instance: string;
  readonly amounts: Readonly<Amounts>;
}

export interface StoredRow extends Omit<Row, 'amounts'> {
  /** Rows of another version of the proxy may lack some. */
  readonly amounts: Readonly<Partial<Amounts>>;
  /** Version of the row in the store. */
  readonly etag: string;
}

/**
 * Rows in the order of their keys, `<hour>_<instance>`. Its ends are keys, or hours, which come before all rows of theirs;
 * neither is in it.
 */
export interface Range {
  readonly after: string;
  readonly before?: string;
}

export interface Page {
  readonly rows: readonly StoredRow[];
  /** After which key the reading goes on; undefined: these are the last rows. */
  readonly next: string | undefined;
}

/** Where all instances of the app keep what was used. */
export interface BudgetStore {
  /**
   * Writes a row over the version that is known; without one, a new row. Against a version and not whatever is there,
   * because a write that seems to have failed may still happen, after the next one.
   *
   * An error may carry `retryAfterSeconds`, for which the store wants to be left alone.
   *
   * @returns the new version; undefined when another one is there
   */
  write(row: Row, etag: string | undefined, signal: AbortSignal): Promise<string | undefined>;
  /** The first rows of an account in a range, as many as the store gives at once. */
  read(account: string, range: Range, signal: AbortSignal): Promise<Page>;
}

/** All rows of an account in a range of few. */
export async function readAll(
  store: BudgetStore,
  account: string,
  range: Range,
  signal: AbortSignal,
): Promise<readonly StoredRow[]> {
  const all: StoredRow[] = [];
  for (let { after } = range; ;) {
    const { rows, next } = await store.read(account, { ...range, after }, signal);
    signal.throwIfAborted();
    all.push(...rows);
    if (next === undefined) return all;
    after = next;
  }
}
