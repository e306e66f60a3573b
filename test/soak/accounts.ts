import { setTimeout as sleep } from 'node:timers/promises';

import { added, difference, stored, type Sums } from '../budgets/sums.ts';
import type { TableStorage } from '../emulators/azure/table-storage.ts';
import type { Audit, Told } from './audit.ts';
import { TEAMS } from './teams.ts';

/** An account: what Bedrock has told, and what the table holds. */
export interface Account {
  readonly name: string;
  readonly told: Told;
  readonly stored: Sums;
  /** What the table lacks of what was told. */
  readonly missing: Sums;
}

const NAMES = [...new Set(TEAMS.flatMap(({ accounts }) => accounts))];

/** Waits until the table has every call, at most for these seconds: a worker leaves a failing table alone for up to one minute. */
export async function written(table: TableStorage, audit: Audit, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  const lacks = () => accountsOf(table, audit).some(({ missing }) => missing.calls !== 0n);
  while (lacks() && performance.now() < end) await sleep(200);
}

export function accountsOf(table: TableStorage, audit: Audit): Account[] {
  return NAMES.map((name) => {
    const told = audit.told(name);
    const held = stored(table, name);
    return { name, told, stored: held, missing: difference(added(told.whole, told.broken), held) };
  });
}
