import { setImmediate as turn } from 'node:timers/promises';

import type { Amounts } from '../../../src/budgets/amounts.ts';
import type { BudgetStore, Row, StoredRow } from '../../../src/budgets/store.ts';

/** What befalls an operation; `late`: a write that seems to fail and is done after others. */
export type StoreFault = 'before' | 'after' | 'late' | 'stale' | 'none';

export interface MemoryStore extends BudgetStore {
  /** Decides what befalls each operation. */
  fault(decide: (operation: 'write' | 'read') => StoreFault): void;
  /** Does the writes that are late. */
  doLate(): void;
  readonly operations: { write: number; read: number };
  rows(): readonly StoredRow[];
  sum(amount: keyof Amounts, account?: string, window?: string): number;
}

/** A store in memory that several instances share. */
export function memoryStore(): MemoryStore {
  const rows = new Map<string, { now: StoredRow; before: StoredRow | undefined }>();
  const late: (() => void)[] = [];
  const operations = { write: 0, read: 0 };
  let version = 0;
  let decide: (operation: 'write' | 'read') => StoreFault = () => 'none';

  const put = (row: Row, etag: string | undefined): string | undefined => {
    const key = `${row.account} ${row.hour} ${row.instance}`;
    const found = rows.get(key)?.now;
    if (found?.etag !== etag) return undefined;
    version += 1;
    rows.set(key, { now: { ...row, amounts: { ...row.amounts }, etag: String(version) }, before: found });
    return String(version);
  };
  return {
    fault(decides) {
      decide = decides;
    },
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
        late.push(() => void put(row, etag));
        throw new Error('done later');
      }
      const written = put(row, etag);
      if (fault === 'after') throw new Error('done, not told');
      return written;
    },
    async read(account, fromHour) {
      operations.read += 1;
      const fault = decide('read');
      await turn();
      if (fault === 'before') throw new Error('not read');
      return Array.from(rows.values())
        .flatMap(({ now, before }) => (fault === 'stale' ? (before ?? []) : now))
        .filter((row) => row.account === account && row.hour >= fromHour);
    },
  };
}
