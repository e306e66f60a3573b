/** Where a window begins and ends by the calendar, in UTC; the minute is a bucket that is filled up steadily. */
export type WindowName = 'minute' | 'hour' | 'day' | 'month';

/** One limit. */
export interface Budget {
  /** As it is written before the `=`, for instance `product:cost/month`. */
  readonly name: string;
  /** Who shares it: all calls of a subscription, or all of a product. */
  readonly scope: 'subscription' | 'product';
  readonly unit: 'tokens' | 'cost';
  readonly window: WindowName;
  /** Tokens, or billionths of the currency of the price table. */
  readonly limit: number;
}

/** Billionths of a unit of currency: a token at 0.001 a million costs one, so prices of three decimals sum up exactly. */
export const BILLION = 1_000_000_000;

/** Windows, the longest first: of two budgets that are used up, the one that lasts longer is told. */
const WINDOWS: readonly WindowName[] = ['month', 'day', 'hour', 'minute'];

const FORM = /^((product:)?(tokens|cost)\/(minute|hour|day|month))\s*=\s*(\d{1,16}(?:\.\d{1,9})?)$/;

/**
 * Reads `[product:]<tokens|cost>/<minute|hour|day|month>=<number>`, comma-separated.
 *
 * @returns the budgets, the longest window first; or what is wrong, in words that quote nothing
 */
export function parseBudgets(text: string): readonly Budget[] | string {
  const budgets: Budget[] = [];
  for (const [index, part] of text.split(',').entries()) {
    const budget = parseBudget(part.trim());
    if (typeof budget === 'string') return `budget ${index + 1} ${budget}`;
    if (budgets.some(({ name }) => name === budget.name)) return `the budget ${budget.name} is there twice`;
    budgets.push(budget);
  }
  return budgets.toSorted((one, other) => WINDOWS.indexOf(one.window) - WINDOWS.indexOf(other.window));
}

function parseBudget(text: string): Budget | string {
  const [, name = '', product, unit = '', window = '', number = ''] = FORM.exec(text) ?? [];
  if (name === '') return 'is not of the form [product:]<tokens|cost>/<minute|hour|day|month>=<number>';
  const limit = unit === 'cost' ? billionthsOf(number) : Number(number);
  if (unit === 'tokens' && number.includes('.')) return `(${name}) is not a whole number of tokens`;
  if (limit === 0) return `(${name}) is nothing`;
  if (!Number.isSafeInteger(limit)) return `(${name}) is too large to be counted exactly`;
  return {
    name,
    scope: product === undefined ? 'subscription' : 'product',
    unit: unit as Budget['unit'],
    window: window as WindowName,
    limit,
  };
}

/** A decimal number of up to nine decimals, without a float on the way. */
function billionthsOf(number: string): number {
  const [whole = '', decimals = ''] = number.split('.');
  return Number(whole + decimals.padEnd(9, '0'));
}

/**
 * An amount in the unit of a budget, for people and for JSON: tokens as they are, money to a millionth, below which a
 * number would be written with an exponent.
 */
export function amountIn(unit: Budget['unit'], amount: number): number {
  return unit === 'tokens' ? amount : Math.round(amount / 1000) / 1_000_000;
}
