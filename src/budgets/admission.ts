import { ProxyError } from '../errors.ts';
import { amountIn } from './budget.ts';
import { decimal, remaining, type Standing } from './standing.ts';

export interface Admission {
  /** Value of the header `x-bedrock-budget-remaining`; undefined without a budget. */
  readonly remaining: string | undefined;
  /** The budget that would have refused the call, if that were its task. */
  readonly exceeded: string | undefined;
}

/** Admits a call while something is left of every budget. @throws ProxyError as `Budgets.admit` does */
export function admitBy(standings: readonly Standing[], mode: 'enforce' | 'observe'): Admission {
  // The longest windows come first.
  const usedUp = standings.find(({ waitSeconds }) => waitSeconds > 0);
  if (usedUp !== undefined && mode === 'enforce') throw refusal(usedUp);
  return {
    remaining: standings.length === 0 ? undefined : remaining(standings),
    exceeded: usedUp?.budget.name,
  };
}

/** A client may wait for a minute or an hour; it must not try again for the rest of a day or a month. */
function refusal({ budget, resetAt, waitSeconds }: Standing): BudgetExceeded {
  const { name, scope, unit, window, limit } = budget;
  const what = `The budget ${name} of this ${scope} (${decimal(amountIn(unit, limit))}) is used up`;
  if (window === 'minute') return new BudgetExceeded('throttled', name, `${what}.`, { retryAfterSeconds: waitSeconds });
  const message = `${what}; it begins anew at ${new Date(resetAt).toISOString()}.`;
  return window === 'hour'
    ? new BudgetExceeded('throttled', name, message, { retryAfterSeconds: waitSeconds })
    : new BudgetExceeded('accessDenied', name, message);
}

/** The refusal of a call for a budget that is used up. */
export class BudgetExceeded extends ProxyError {
  readonly budget: string;

  constructor(
    failure: 'throttled' | 'accessDenied',
    budget: string,
    message: string,
    options: { retryAfterSeconds?: number } = {},
  ) {
    super(failure, message, options);
    this.budget = budget;
  }
}
