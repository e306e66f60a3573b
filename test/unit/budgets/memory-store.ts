import { setImmediate as turn } from 'node:timers/promises';

import type { Amounts } from '../../../src/budgets/amounts.ts';
import type { BudgetStore, Row, StoredRow } from '../../../src/budgets/store.ts';

/** What befalls an operation; `late`: a write that seems to fail and is done after others. */
export type StoreFault = 'before' | 'after' | 'late' | 'stale' | 'none';

export interface MemoryStore extends BudgetStore {
  /** Decides what befalls each operation. */
  fault(decide: (operation: 'write' | 'read') => StoreFault): void;
  /** Writes a row at once, over whatever is there. */
  put(row: Row): void;
  /** Does the writes that are late. */
  doLate(): void;
  readonly operations: { write: number; read: number };
  rows(): readonly StoredRow[];
  sum(amount: keyof Amounts, account?: string, window?: string): number;
}

/** A store in memory that several instances share. @param pageSize most rows at once */
export function memoryStore(pageSize = 1000): MemoryStore {
  const rows = new Map<string, { now: StoredRow; before: StoredRow | undefined }>();
  const late: (() => void)[] = [];
  const operations = { write: 0, read: 0 };
  let version = 0;
  let decide: (operation: 'write' | 'read') => StoreFault = () => 'none';

  const nameOf = (row: Row) => `${row.account} ${row.hour} ${row.instance}`;
  const put = (row: Row): string => {
    version += 1;
    const now = { ...row, amounts: { ...row.amounts }, etag: String(version) };
    rows.set(nameOf(row), { now, before: rows.get(nameOf(row))?.now });
    return now.etag;
  };
  const putOver = (row: Row, etag: string | undefined): string | undefined =>
    rows.get(nameOf(row))?.now.etag === etag ? put(row) : undefined;
  return {
    fault(decides) {
      decide = decides;
    },
    put: (row) => void put(row),
    doLate() {
      for (const write of late.splice(0)) write();
    },
    operations,
    rows: () => Array.from(rows.values(), ({ now }) => now),
    sum: (amount, account = '', window = '') =>
      rows
        .values()
        .filter(({ now }) => now.account.startsWith(account) && now.hour.startsWith(window))
        .reduce((total, { now }) => total + (now.amounts[amount] ?? 0), 0),
    async write(row, etag) {
      operations.write += 1;
      const fault = decide('write');
      await turn();
      if (fault === 'before') throw new Error('not done');
      if (fault === 'late') {
        late.push(() => void putOver(row, etag));
        throw new Error('done later');
      }
      const written = putOver(row, etag);
      if (fault === 'after') throw new Error('done, not told');
      return written;
    },
    async read(account, { after, before = '~' }) {
      operations.read += 1;
      const fault = decide('read');
      await turn();
      if (fault === 'before') throw new Error('not read');
      const found = Array.from(rows.values())
        .flatMap((row) => (fault === 'stale' ? (row.before ?? []) : row.now))
        .filter((row) => row.account === account && keyOf(row) > after && keyOf(row) < before)
        .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
      const page = found.slice(0, pageSize);
      const last = page.at(-1);
      return { rows: page, next: last && found.length > pageSize ? keyOf(last) : undefined };
    },
  };
}

function keyOf({ hour, instance }: StoredRow): string {
  return `${hour}_${instance}`;
}
