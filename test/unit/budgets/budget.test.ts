import { describe, expect, it } from 'vitest';

import { amountIn, parseBudgets } from '../../../src/budgets/budget.ts';

describe('budgets are read', () => {
  it.each([
    ['tokens/minute=200000', 'tokens/minute', 'subscription', 'tokens', 'minute', 200_000],
    [' cost/month = 500 ', 'cost/month', 'subscription', 'cost', 'month', 500_000_000_000],
    ['product:cost/day=0.000000001', 'product:cost/day', 'product', 'cost', 'day', 1],
    ['product:tokens/hour=9007199254740991', 'product:tokens/hour', 'product', 'tokens', 'hour', 9_007_199_254_740_991],
    ['cost/hour=0.1', 'cost/hour', 'subscription', 'cost', 'hour', 100_000_000],
    ['cost/hour=9007199.254740991', 'cost/hour', 'subscription', 'cost', 'hour', 9_007_199_254_740_991],
  ])('%s', (text, name, scope, unit, window, limit) => {
    expect(parseBudgets(text)).toStrictEqual([{ name, scope, unit, window, limit }]);
  });

  it('several, the longest window first', () => {
    const budgets = parseBudgets('tokens/minute=1, product:cost/month=5,cost/month=1 ,tokens/day=7, tokens/hour=3');
    expect(budgets).toMatchObject([
      { name: 'product:cost/month' },
      { name: 'cost/month' },
      { name: 'tokens/day' },
      { name: 'tokens/hour' },
      { name: 'tokens/minute' },
    ]);
  });
});

describe('what is wrong is told', () => {
  const form = 'is not of the form [product:]<tokens|cost>/<minute|hour|day|month>=<number>';
  it.each([
    ['', `budget 1 ${form}`],
    ['tokens/minute', `budget 1 ${form}`],
    ['tokens/minute=1,', `budget 2 ${form}`],
    ['tokens/minute=1;cost/day=1', `budget 1 ${form}`],
    ['tokens/year=1', `budget 1 ${form}`],
    ['Tokens/minute=1', `budget 1 ${form}`],
    ['user:tokens/minute=1', `budget 1 ${form}`],
    ['tokens/minute=-1', `budget 1 ${form}`],
    ['tokens/minute=1e6', `budget 1 ${form}`],
    ['tokens/minute=1_000', `budget 1 ${form}`],
    ['cost/month=.5', `budget 1 ${form}`],
    ['cost/month=5.', `budget 1 ${form}`],
    ['cost/month=0.0000000001', `budget 1 ${form}`],
    ['tokens/minute=0', 'budget 1 (tokens/minute) is nothing'],
    ['cost/day=0.000', 'budget 1 (cost/day) is nothing'],
    ['cost/day=1, tokens/day=1.5', 'budget 2 (tokens/day) is not a whole number of tokens'],
    ['tokens/day=9007199254740992', 'budget 1 (tokens/day) is too large to be counted exactly'],
    ['cost/day=9007199.254740992', 'budget 1 (cost/day) is too large to be counted exactly'],
    ['tokens/day=1, tokens/day=2', 'the budget tokens/day is there twice'],
    ['tokens/day=1,'.repeat(300), 'the budget tokens/day is there twice'],
  ])('%s', (text, problem) => {
    expect(parseBudgets(text)).toBe(problem);
  });
});

it.each([
  ['tokens', 12_345, 12_345],
  ['cost', 1_499, 0.000001],
  ['cost', 1_500, 0.000002],
  ['cost', 12_345_678_000, 12.345678],
] as const)('%i %s are %d for people', (unit, amount, told) => {
  expect(amountIn(unit, amount)).toBe(told);
});
