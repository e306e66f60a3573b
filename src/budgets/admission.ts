import { ProxyError } from '../errors.ts';
import { amountIn } from './budget.ts';
import { remaining, type Standing, type ToldBudget, toldBudgets } from './standing.ts';

export interface Admission {
  /** Value of the header `x-bedrock-budget-remaining`; undefined without a budget. */
  readonly remaining: string | undefined;
  /** The budget that would have refused the call, if that were its task. */
  readonly exceeded: string | undefined;
  /** How the budgets of the calendar stood when the call began. */
  readonly told: readonly ToldBudget[];
}

/** Admits a call while something is left of every budget. @throws ProxyError as `Budgets.admit` does */
export function admitBy(standings: readonly Standing[], mode: 'enforce' | 'observe'): Admission {
  // The longest windows come first.
  const usedUp = standings.find(({ waitSeconds }) => waitSeconds > 0);
  const told = toldBudgets(standings);
  if (usedUp !== undefined && mode === 'enforce') throw refusal(usedUp, told);
  return {
    told,
    remaining: standings.length === 0 ? undefined : remaining(standings),
    exceeded: usedUp?.budget.name,
  };
}

/** A client may wait for a minute or an hour; it must not try again for the rest of a day or a month. */
function refusal({ budget, resetAt, waitSeconds }: Standing, told: readonly ToldBudget[]): BudgetExceeded {
  const { name, scope, unit, window, limit } = budget;
  const what = `The budget ${name} of this ${scope} (${amountIn(unit, limit)}) is used up`;
  const admission = { remaining: undefined, exceeded: name, told };
  if (window === 'minute') return new BudgetExceeded('throttled', admission, `${what}.`, waitSeconds);
  const message = `${what}; it begins anew at ${new Date(resetAt).toISOString()}.`;
  return window === 'hour'
    ? new BudgetExceeded('throttled', admission, message, waitSeconds)
    : new BudgetExceeded('accessDenied', admission, message);
}

/** The refusal of a call for a budget that is used up. */
export class BudgetExceeded extends ProxyError {
  readonly budget: string;
  readonly admission: Admission & { readonly exceeded: string };

  constructor(
    failure: 'throttled' | 'accessDenied',
    admission: Admission & { readonly exceeded: string },
    message: string,
    retryAfterSeconds?: number,
  ) {
    super(failure, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
    this.budget = admission.exceeded;
    this.admission = admission;
  }
}
