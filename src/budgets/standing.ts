import type { Account } from './account.ts';
import { type Budget, amountIn } from './budget.ts';
import type { Windows } from './calendar.ts';

/** How a budget stands, as this instance knows it. Amounts in its own unit. */
export interface Standing {
  readonly budget: Budget;
  /** Below zero when more was used. */
  readonly left: number;
  /** Milliseconds since the epoch: when its window begins anew; for the minute, when something is left again. */
  readonly resetAt: number;
  /** Seconds until then, at least 1; 0 while something is left. */
  readonly waitSeconds: number;
}

/** @param now by the clock of the buckets */
export function standingsOf(
  budgets: readonly Budget[],
  accountOf: (budget: Budget) => Account,
  windows: Windows,
  now: number,
): readonly Standing[] {
  return budgets.map((budget) => {
    const { window, unit, limit } = budget;
    const account = accountOf(budget);
    if (window === 'minute') {
      const bucket = account.bucket(unit, limit);
      const waitSeconds = bucket.waitSeconds(now);
      return { budget, left: bucket.left(now), resetAt: windows.now + 1000 * waitSeconds, waitSeconds };
    }
    const left = limit - (account.used(windows[window])?.[unit] ?? 0);
    const resetAt = windows.ends[window];
    return { budget, left, resetAt, waitSeconds: left > 0 ? 0 : Math.ceil((resetAt - windows.now) / 1000) };
  });
}

/** The header `x-bedrock-budget-remaining`: `<budget>=<rest>, …`. */
export function remaining(standings: readonly Standing[]): string {
  return standings.map(({ budget, left }) => `${budget.name}=${amountIn(budget.unit, Math.max(0, left))}`).join(', ');
}

/** A budget of the calendar as the record tells it, in tokens or in money. */
export interface ToldBudget {
  readonly budget: string;
  readonly limit: number;
  readonly used: number;
}

/** Those that the record tells: a minute is over before anybody has looked. */
export function toldBudgets(standings: readonly Standing[]): readonly ToldBudget[] {
  const told: ToldBudget[] = [];
  for (const { budget, left } of standings) {
    const { name, unit, limit, window } = budget;
    if (window === 'minute') continue;
    told.push({ budget: name, limit: amountIn(unit, limit), used: amountIn(unit, limit - left) });
  }
  return told;
}

/** The answer to `GET /usage`. */
export function describeStandings(standings: readonly Standing[]) {
  return standings.map(({ budget: { name, unit, limit }, left, resetAt }) => ({
    budget: name,
    limit: amountIn(unit, limit),
    used: amountIn(unit, limit - left),
    remaining: amountIn(unit, Math.max(0, left)),
    resetsAt: new Date(resetAt).toISOString(),
  }));
}
