import type { Clock } from '../clock.ts';
import { ProxyError } from '../errors.ts';
import { malformedOrder } from '../gateway-headers.ts';
import { sumOfKinds, type TokenUsage } from '../usage/token-usage.ts';
import { type Account, createAccount } from './account.ts';
import { type Admission, admitBy } from './admission.ts';
import { amountsOf } from './amounts.ts';
import type { Budget } from './budget.ts';
import { BILLION, parseBudgets } from './budget.ts';
import { createCalendar } from './calendar.ts';
import type { FindPrice } from './prices.ts';
import type { BudgetStore } from './store.ts';
import { createSync } from './sync.ts';
import { standingsOf, type Standing } from './standing.ts';

/** Whom budgets are kept for. Those without a subscription share one, and so do those without a product. */
export interface BudgetHolder {
  readonly subscriptionId?: string;
  readonly productId?: string;
}

export interface Budgets {
  /**
   * Admits a call.
   *
   * @param order of the gateway, decoded; absent: the budgets of the settings
   * @throws ProxyError `throttled` while the budget of a minute or an hour is used up, with the time after which it is
   *   not; `accessDenied` for that of a day or a month; `unavailable` for an order that cannot be understood, and while the
   *   store is lost, if that refuses
   */
  admit(holder: BudgetHolder, order: string | undefined): Call;
  /** For a call that spends nothing. @throws ProxyError `unavailable` for an order that cannot be understood */
  check(order: string | undefined): void;
  /**
   * How the budgets of a caller stand, by the store of this moment if that answers. Rejects with ProxyError `unavailable`
   * for an order that cannot be understood.
   */
  standings(holder: BudgetHolder, order: string | undefined): Promise<readonly Standing[]>;
  /** Writes what the store does not have yet. Never rejects. */
  flush(): Promise<void>;
}

/** A call that was admitted. */
export interface Call extends Admission {
  /** Whether its tokens have to be known, for a budget that is kept or only observed; undefined without one. */
  readonly counting: 'enforced' | 'observed' | undefined;
  /** Whether only a model that has a price may be called. */
  readonly needsPrice: boolean;
  /**
   * Whether the model's tokens can be counted by the budgets.
   *
   * @throws ProxyError `accessDenied` for a model without a price, or one that is not known, when a budget is in money
   */
  checkModel(model: string | undefined): void;
  /**
   * Takes what the call has used, once that is known.
   *
   * @param others models that may have worked in the place of this one: a limit is charged with the dearest
   * @returns its cost in the currency of the price table, undefined where that is not known
   */
  charge(usage: TokenUsage, model: string | undefined, tier?: string, others?: readonly string[]): number | undefined;
}

export interface BudgetsOptions {
  /** Those of the settings. */
  readonly budgets: readonly Budget[];
  /** `observe`: nothing is refused, the call says what would have been. */
  readonly mode: 'enforce' | 'observe';
  readonly prices: FindPrice;
  /** Absent: each instance counts for itself. */
  readonly store?: BudgetStore;
  /** Milliseconds between two exchanges with the store for an account that is called. */
  readonly syncMs?: number;
  readonly onStoreFailure: 'allow' | 'refuse';
  /** Told of failures of the store: the first in a row of an account, one a minute for all of them, and every tenth. */
  readonly onFailure: (error: unknown, failures: number) => void;
  /** Name of this life of the process; no other may ever have it. */
  readonly instance: string;
  readonly clock: Clock;
  /** Milliseconds since the epoch. */
  readonly date: () => number;
}

/** How long the store may be out of reach before calls are refused, where that is asked for. */
const LOST_MS = 60_000;

const TIDY_MS = 60_000;

/** Orders that are remembered; they come from the gateway's policies, of which there are few. */
const MOST_ORDERS = 200;

/** The budgets of all subscriptions and products, as this instance knows them. */
export function createBudgets(options: BudgetsOptions): Budgets {
  const { clock, mode, prices, store } = options;
  const windows = createCalendar(options.date);
  const sync = store && createSync({ ...options, store, windows });
  const accounts = new Map<string, Account>();
  const orders = new Map<string, Plan>();
  const usual = planOf(options.budgets);
  let tidyAt = clock.now() + TIDY_MS;

  const accountOf = (key: string): Account => {
    let account = accounts.get(key);
    if (account === undefined) {
      account = createAccount(key, store && options.instance, clock.now());
      accounts.set(key, account);
    }
    return account;
  };
  const tidy = () => {
    tidyAt = clock.now() + TIDY_MS;
    for (const [key, account] of accounts) if (!account.tidy(windows(), clock.now())) accounts.delete(key);
  };
  const planFor = (order: string | undefined): Plan => {
    if (order === undefined) return usual;
    const known = orders.get(order);
    if (known !== undefined) return known;
    const plan = planOf(readOrder(order));
    if (orders.size >= MOST_ORDERS) orders.clear();
    orders.set(order, plan);
    return plan;
  };

  return {
    admit(holder, order) {
      const { budgets, scopes, hasCost } = planFor(order);
      const keys = scopes.map((scope) => keyOf(scope, holder));
      const held = keys.map(accountOf);
      for (const account of held) {
        sync?.touch(account);
        if (options.onStoreFailure === 'refuse' && sync?.isLost(account, LOST_MS) === true && mode === 'enforce') {
          throw new ProxyError('unavailable', 'What this subscription has used cannot be told at present.');
        }
      }
      const heldBy = ({ scope }: Budget) => held[scopes.indexOf(scope)] ?? accountOf(keyOf(scope, holder));
      const admission = admitBy(standingsOf(budgets, heldBy, windows(), clock.now()), mode);
      const inMoney = mode === 'enforce' && hasCost;
      return {
        ...admission,
        counting: budgets.length === 0 ? undefined : mode === 'enforce' ? 'enforced' : 'observed',
        needsPrice: inMoney,
        checkModel(model) {
          if (!inMoney || prices(model ?? '') !== undefined) return;
          throw new ProxyError('accessDenied', 'Your subscription has a budget in money, and this model has no price.');
        },
        charge(usage, model, tier, others = []) {
          // Of an answer that has told nothing there is nothing to count.
          if (sumOfKinds(usage) === 0 && !usage.totalTokens) return undefined;
          const price = prices(model ?? '', tier);
          const charges = others.map((other) => prices(other, tier)?.chargeOf(usage) ?? 0);
          const amounts = amountsOf(usage, Math.max(price?.chargeOf(usage) ?? 0, ...charges));
          const ended = windows();
          // Not those of the admission: one that was empty may have been forgotten since.
          const now = clock.now();
          for (const [index, key] of keys.entries()) {
            const account = accountOf(key);
            account.charge(amounts, ended);
            sync?.touch(account);
            for (const { unit, limit, window, scope } of budgets) {
              if (window === 'minute' && scope === scopes[index]) account.bucket(unit, limit).take(amounts[unit], now);
            }
          }
          if (now >= tidyAt) tidy();
          const cost = price?.costOf(usage);
          return cost === undefined ? undefined : cost / BILLION;
        },
      };
    },
    check: (order) => void planFor(order),
    async standings(holder, order) {
      const { budgets, scopes } = planFor(order);
      await Promise.all(scopes.map((scope) => sync?.refresh(accountOf(keyOf(scope, holder)))));
      return standingsOf(budgets, ({ scope }) => accountOf(keyOf(scope, holder)), windows(), clock.now());
    },
    flush: async () => sync?.flush(),
  };
}

const SCOPES = ['subscription', 'product'] as const;

/** Budgets, and what they tell by themselves: the same for all calls under them. */
interface Plan {
  readonly budgets: readonly Budget[];
  readonly scopes: readonly Budget['scope'][];
  /** Whether one of them is in money. */
  readonly hasCost: boolean;
}

function planOf(budgets: readonly Budget[]): Plan {
  return {
    budgets,
    scopes: SCOPES.filter((scope) => budgets.some((budget) => budget.scope === scope)),
    hasCost: budgets.some(({ unit }) => unit === 'cost'),
  };
}

function keyOf(scope: Budget['scope'], { subscriptionId = '', productId = '' }: BudgetHolder): string {
  return `${scope}:${scope === 'product' ? productId : subscriptionId}`;
}

function readOrder(order: string): readonly Budget[] {
  const budgets = parseBudgets(order);
  if (typeof budgets === 'string') throw malformedOrder('x-gateway-budgets', budgets);
  return budgets;
}
