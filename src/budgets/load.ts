import { randomUUID } from 'node:crypto';

import { systemClock } from '../clock.ts';
import type { Budget } from './budget.ts';
import { type Budgets, type BudgetsOptions, createBudgets } from './budgets.ts';
import type { FindPrice } from './prices.ts';
import type { BudgetStore } from './store.ts';
import type { TableOptions } from './table-storage.ts';

/** What the settings say of budgets. */
export interface BudgetSettings {
  /** Those of calls for which the gateway orders none. */
  readonly budgets: readonly Budget[];
  readonly mode: BudgetsOptions['mode'];
  readonly onStoreFailure: BudgetsOptions['onStoreFailure'];
  /** The table that all instances share; absent: each counts for itself. */
  readonly table?: TableOptions;
}

/**
 * The budgets that the settings ask for. The table and its identity are a bundle of their own, loaded after the
 * function is registered, while the host is still starting.
 *
 * @param onFailure told of failures of the store
 */
export function loadBudgets(
  { table, ...settings }: BudgetSettings,
  prices: FindPrice,
  onFailure: BudgetsOptions['onFailure'],
): Budgets {
  return createBudgets({
    ...settings,
    prices,
    ...(table === undefined ? {} : { store: loadTable(table) }),
    onFailure,
    instance: randomUUID(),
    clock: systemClock,
    date: Date.now,
  });
}

function loadTable(options: TableOptions): BudgetStore {
  const store = new Promise(setImmediate)
    .then(() => import('./table-storage.ts'))
    .then(({ createTableStore }) => createTableStore(options));
  // Whoever awaits it hears of a failure.
  store.catch(() => {});
  return {
    write: async (...row) => (await store).write(...row),
    read: async (...rows) => (await store).read(...rows),
  };
}
