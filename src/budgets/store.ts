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
  /** All rows of an account from an hour on. */
  read(account: string, fromHour: string, signal: AbortSignal): Promise<readonly StoredRow[]>;
}
