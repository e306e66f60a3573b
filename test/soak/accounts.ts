import { setTimeout as sleep } from 'node:timers/promises';

import { accountKey } from '../../src/budgets/keys.ts';
import { added, difference, stored, type Sums } from '../budgets/sums.ts';
import type { TableStorage } from '../emulators/azure/table-storage.ts';
import type { Audit, Told } from './audit.ts';

/** An account: what Bedrock has told, and what the table holds. */
export interface Account {
  readonly name: string;
  readonly told: Told;
  readonly stored: Sums;
  /** What the table lacks of what was told. */
  readonly missing: Sums;
}

/**
 * Waits until the table has every call, at most for these seconds: a worker leaves a failing table alone for up to one
 * minute.
 */
export async function written(table: TableStorage, audit: Audit, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  const lacks = () => accountsOf(table, audit).some(({ missing }) => missing.calls !== 0n);
  while (lacks() && performance.now() < end) await sleep(200);
}

/** Those of which Bedrock has told anything. */
export function accountsOf(table: TableStorage, audit: Audit): Account[] {
  return audit.accounts.map((name) => {
    const told = audit.told(name);
    const held = stored(table, accountKey(name));
    return { name, told, stored: held, missing: difference(added(told.whole, told.broken), held) };
  });
}

/** Where the table differs from what Bedrock has told, accounts included that nothing was told to; empty: nowhere. */
export function differences(table: TableStorage, audit: Audit): string[] {
  const known = new Set(audit.accounts.map(accountKey));
  const strange = new Set(table.all().flatMap(({ partition }) => (known.has(partition) ? [] : partition)));
  const lacking = accountsOf(table, audit).filter(({ missing }) => Object.values(missing).some((sum) => sum !== 0n));
  return [
    ...Array.from(strange, (partition) => `the table has ${partition.slice(0, 50)}, of which nothing was told`),
    ...lacking.map(({ name, missing }) => `${name.slice(0, 50)}: the table lacks ${describeSums(missing)}`),
  ];
}

export function describeSums(sums: Sums): string {
  return Object.entries(sums)
    .map(([column, sum]) => `${column} ${sum}`)
    .join(', ');
}
