import { parseBudgets } from '../budgets/budget.ts';
import type { BudgetSettings } from '../budgets/load.ts';
import type { Reader } from './reader.ts';

export function readBudgets(read: Reader, problems: string[]): BudgetSettings {
  const text = read.text('BUDGETS');
  const budgets = text === undefined ? [] : parseBudgets(text);
  if (typeof budgets === 'string') problems.push(`BUDGETS: ${budgets}`);
  const uri = read.url('BUDGET_TABLE_URI');
  if (uri?.pathname === '/') problems.push('BUDGET_TABLE_URI must end with the name of a table');
  const identityClientId = read.text('AZURE_CLIENT_ID');
  const mode = read.oneOf('BUDGET_MODE', ['enforce', 'observe']);
  const onStoreFailure = read.oneOf('BUDGET_ON_STORE_FAILURE', ['allow', 'refuse']);
  return {
    budgets: typeof budgets === 'string' ? [] : budgets,
    mode,
    onStoreFailure,
    ...(uri !== undefined && {
      table: {
        uri: uri.href,
        managedIdentity: read.text('IDENTITY_ENDPOINT') !== undefined,
        ...(identityClientId === undefined ? {} : { identityClientId }),
      },
    }),
  };
}
