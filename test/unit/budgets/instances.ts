import { type BudgetsOptions, createBudgets } from '../../../src/budgets/budgets.ts';
import { parseBudgets } from '../../../src/budgets/budget.ts';
import { readPrices } from '../../../src/budgets/prices.ts';
import { ProxyError } from '../../../src/errors.ts';
import type { TokenUsage } from '../../../src/usage/token-usage.ts';
import { manualClock } from '../../support/manual-clock.ts';

export const PRICES = readPrices('amazon.nova*, , 0.06, 0.24, 0.015\nanthropic.*, , 1.1, 5.5, 0.11, 1.375, 2.2');
export const NOVA = 'amazon.nova-lite-v1:0';

/** Monday, 30 November 2026, 08:00:00 UTC. */
export const MONDAY = Date.UTC(2026, 10, 30, 8);

export interface InstanceOptions extends Partial<Omit<BudgetsOptions, 'budgets'>> {
  readonly budgets?: string;
}

/** One life of a process that keeps budgets, with a clock that stands. */
export function instance({ budgets = '', ...options }: InstanceOptions = {}) {
  const clock = options.clock ?? manualClock();
  const start = clock.now();
  const parsed = budgets === '' ? [] : parseBudgets(budgets);
  if (typeof parsed === 'string') throw new Error(parsed);
  const failures: string[] = [];
  const room = createBudgets({
    mode: 'enforce',
    prices: PRICES,
    onStoreFailure: 'allow',
    onFailure: (error, count) => failures.push(`${count}: ${String(error)}`),
    instance: 'one',
    date: () => MONDAY + clock.now() - start,
    ...options,
    budgets: parsed,
    clock,
  });
  return {
    ...room,
    failures,
    /** Undefined when the call is admitted, which then uses so much at once; else the refusal. */
    use(usage: number | TokenUsage, subscriptionId?: string, order?: string, model = NOVA): ProxyError | undefined {
      try {
        const call = room.admit(subscriptionId === undefined ? {} : { subscriptionId }, order);
        call.charge(typeof usage === 'number' ? { inputTokens: usage } : usage, model);
        return undefined;
      } catch (error) {
        if (error instanceof ProxyError) return error;
        throw error;
      }
    },
  };
}
