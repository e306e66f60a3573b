import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { readPrices } from '../../../src/budgets/prices.ts';
import type { TokenUsage } from '../../../src/usage/token-usage.ts';

const INPUT = { inputTokens: 1_000_000 };

/** Price of a million tokens of input, in the currency. */
function inputPrice(table: string, model: string, tier?: string): number | undefined {
  const cost = readPrices(table)(model, tier)?.costOf(INPUT);
  return cost === undefined ? undefined : cost / 1e9;
}

describe('the line of a model', () => {
  const TABLE = `# model, tier, input
*,                      , 99
anthropic.claude-x-v1:0, , 1
anthropic.claude*,      , 2
anthropic.claude-x*,    , 3
global.anthropic.*,     , 4
anthropic.claude-x-v1:0, priority, 5
amazon.nova*,       flex, 6
abc123,                 , 7\r
`;

  it.each([
    ['anthropic.claude-x-v1:0', undefined, 1],
    ['Anthropic.Claude-X-v1:0', undefined, 1],
    ['anthropic.claude-x-v1:0', 'default', 1],
    ['anthropic.claude-x-v1:0', 'flex', 1],
    ['anthropic.claude-x-v1:0', 'PRIORITY', 5],
    ['eu.anthropic.claude-x-v1:0', 'priority', 5],
    ['anthropic.claude-x-v2:0', undefined, 3],
    ['us-gov.anthropic.claude-y', undefined, 2],
    ['global.anthropic.claude-x-v1:0', undefined, 4],
    ['arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-x-v1:0', undefined, 1],
    ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123', undefined, 7],
    ['amazon.nova-lite', 'flex', 6],
    ['amazon.nova-lite', undefined, 99],
    ['', undefined, 99],
  ])('%s in the tier %s costs %d', (model, tier, price) => {
    expect(inputPrice(TABLE, model, tier)).toBe(price);
  });

  it('is none without a line for all', () => {
    expect(inputPrice('amazon.nova*, , 1', 'meta.llama')).toBeUndefined();
    expect(inputPrice('amazon.nova*, , 1', '')).toBeUndefined();
    expect(inputPrice('', 'amazon.nova')).toBeUndefined();
  });

  it('is not known in a tier that none of its lines has, and the dearest of them is charged', () => {
    const find = readPrices('claude*, default, 9\nclaude-x, default, 3\nclaude-x, priority, 6');
    expect(find('eu.claude-x', 'standard')?.costOf(INPUT)).toBeUndefined();
    expect(find('eu.claude-x', 'standard')?.chargeOf(INPUT)).toBe(6e9);
    expect(find('claude-x', 'default')?.chargeOf(INPUT)).toBe(3e9);
    expect(find('llama', 'standard')).toBeUndefined();
  });
});

describe('a cost', () => {
  const price = readPrices('m*, , 3, 15, 0.3, 3.75, 6')('m');

  it.each<[TokenUsage, number]>([
    [{}, 0],
    [{ inputTokens: 1 }, 3000],
    [{ outputTokens: 2 }, 30_000],
    [{ inputTokens: 10, outputTokens: 20, totalTokens: 99 }, 330_000],
    [{ inputTokens: 0, cacheReadInputTokens: 1000 }, 300_000],
    [{ cacheWriteInputTokens: 100, inputTokens: 0 }, 375_000],
    [{ cacheWriteInputTokens: 100, cacheWrite1hInputTokens: 40, inputTokens: 0 }, 60 * 3750 + 40 * 6000],
    [{ outputTokens: 5, reasoningTokens: 4 }, 75_000],
  ])('of %o is %i billionths', (usage, cost) => {
    expect(price?.costOf(usage)).toBe(cost);
    expect(price?.chargeOf(usage)).toBe(cost);
  });

  it('is not known where a kind has no price, and is charged at the dearest one', () => {
    const embedding = readPrices('m, , 0.02')('m');
    expect(embedding?.costOf({ inputTokens: 5 })).toBe(100);
    expect(embedding?.costOf({ inputTokens: 5, outputTokens: 1 })).toBeUndefined();
    expect(embedding?.chargeOf({ inputTokens: 5, outputTokens: 1 })).toBe(120);
    expect(price?.costOf({ totalTokens: 10 })).toBeUndefined();
    expect(price?.chargeOf({ totalTokens: 10 })).toBe(150_000);
  });

  it('is exact: sums over calls are the cost of the sum, however many', () => {
    const thousandths = fc.nat({ max: 999_999 }).map((n) => (n / 1000).toFixed(3));
    const calls = fc.array(fc.record({ inputTokens: fc.nat({ max: 200_000 }), outputTokens: fc.nat({ max: 64_000 }) }));
    fc.assert(
      fc.property(thousandths, thousandths, calls, (input, output, usages) => {
        const find = readPrices(`m, , ${input}, ${output}`)('m');
        const sum = (kind: 'inputTokens' | 'outputTokens') => usages.reduce((total, usage) => total + usage[kind], 0);
        const one = BigInt(input.replace('.', '')) * BigInt(sum('inputTokens'));
        const other = BigInt(output.replace('.', '')) * BigInt(sum('outputTokens'));
        const summed = usages.reduce((total, usage) => total + (find?.costOf(usage) ?? Number.NaN), 0);
        expect(BigInt(summed)).toBe(one + other);
      }),
    );
  });
});

it.each([
  ['m, , 1, 2, 3, 4, 5, 6', 'Line 1 of the price table has more than five prices.'],
  ['# x\nm n, , 1', 'Line 2 of the price table does not begin with a model.'],
  ['m*n, , 1', 'Line 1 of the price table does not begin with a model.'],
  ['m, 1.00, 2.00', 'Line 1 of the price table has no service tier.'],
  ['m, , -1', 'Line 1 of the price table has a price that is none.'],
  ['m, , 1.0000001', 'Line 1 of the price table has a price that is none.'],
  ['m, , 1e3', 'Line 1 of the price table has a price that is none.'],
])('%s is no table', (table, message) => {
  expect(() => readPrices(table)).toThrow(message);
});
