import type { TokenUsage } from '../usage/token-usage.ts';

/** What the tokens of a model cost. */
export interface Price {
  /** Billionths of the currency; undefined where tokens were used of a kind that has no price. */
  costOf(usage: TokenUsage): number | undefined;
  /** The same with kinds without a price at the dearest one of the line: a limit must not have a hole. */
  chargeOf(usage: TokenUsage): number;
}

/**
 * The price of a model in a service tier, undefined without one.
 *
 * @param model id or ARN
 * @param tier as Bedrock calls it, in any case; absent: `default`
 */
export type FindPrice = (model: string, tier?: string) => Price | undefined;

interface Line extends Price {
  /** In lower case, without a `*` at the end. */
  readonly name: string;
  readonly isBeginning: boolean;
  /** In lower case; empty: every tier that has no line of its own. */
  readonly tier: string;
}

/** Geographies of inference profiles that cost what the model itself costs; `global` has prices of its own. */
const GEOGRAPHY = /^(?:us|us-gov|eu|apac|au|ca|jp)\./;

/** Models that are remembered with their price; each is one that a caller has asked for. */
const MOST_REMEMBERED = 1000;
const MOST_TIERS = 10;

/**
 * Reads the price table: one model a line, `#` begins a comment. Model id, end of an ARN, or a beginning with `*`; then
 * the service tier, or nothing; then prices of a million tokens: input, output, cache read, cache write for five minutes
 * and for an hour, each optional, with at most six decimals.
 *
 * Of the lines that fit, the id as asked for goes before the id without its geography, then the longest, then the one
 * that names the tier, then the one without `*`; a mere `*` goes last. Where the lines of a model have other tiers only,
 * what it cost is not known, and the dearest of them is charged.
 *
 * @throws Error that names the line
 */
export function readPrices(table: string): FindPrice {
  const lines = table.split('\n').flatMap((text, index) => {
    const cells = text.split(',').map((cell) => cell.trim());
    return cells[0] === '' || cells[0]?.startsWith('#') ? [] : [lineOf(cells, index + 1)];
  });
  const remembered = new Map<string, Map<string, Price | undefined>>();
  return (model, tier = 'default') => {
    let tiers = remembered.get(model);
    // Most models have none, and are as dear to look for.
    if (tiers?.has(tier) === true) return tiers.get(tier);
    const price = bestOf(lines, nameOf(model), tier.toLowerCase()) ?? dearestOf(lines, nameOf(model));
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    if (tiers === undefined || tiers.size >= MOST_TIERS) remembered.set(model, (tiers = new Map()));
    tiers.set(tier, price);
    return price;
  };
}

function nameOf(model: string): string {
  return model.slice(model.lastIndexOf('/') + 1).toLowerCase();
}

function bestOf(lines: readonly Line[], name: string, tier: string): Line | undefined {
  let best: Line | undefined;
  let bestRank = -1;
  for (const line of lines) {
    if (line.tier !== '' && line.tier !== tier) continue;
    const fit = rankOf(line, name);
    const rank = 4 * fit + (line.tier === '' ? 0 : 2) + (line.isBeginning ? 0 : 1);
    if (fit < 0 || rank <= bestRank) continue;
    best = line;
    bestRank = rank;
  }
  return best;
}

/** By the lines that fit a model best, whatever their tier. */
function dearestOf(lines: readonly Line[], name: string): Price | undefined {
  const ranks = lines.map((line) => rankOf(line, name));
  const best = Math.max(-1, ...ranks);
  if (best < 0) return undefined;
  const fitting = lines.filter((_, index) => ranks[index] === best);
  return {
    costOf: () => undefined,
    chargeOf: (usage) => Math.max(...fitting.map((line) => line.chargeOf(usage))),
  };
}

function rankOf({ name, isBeginning }: Line, asked: string): number {
  const fits = (id: string) => (isBeginning ? id.startsWith(name) : id === name);
  if (name === '') return 0;
  return fits(asked) ? 10_000 + name.length : fits(asked.replace(GEOGRAPHY, '')) ? name.length : -1;
}

function lineOf([model = '', tier = '', ...cells]: readonly string[], number: number): Line {
  const prices = cells.map((cell) => priceOf(cell, number));
  const [input, output, cacheRead, write5m, write1h, ...more] = prices;
  if (more.length > 0) throw new Error(`Line ${number} of the price table has more than five prices.`);
  if (!/^[\w.:-]*\*?$/.test(model)) throw new Error(`Line ${number} of the price table does not begin with a model.`);
  if (tier !== '' && !/^[a-z]+$/i.test(tier)) throw new Error(`Line ${number} of the price table has no service tier.`);
  const sum = (usage: TokenUsage, otherwise: number) => {
    const { cacheWriteInputTokens: written = 0, cacheWrite1hInputTokens: hourly = 0 } = usage;
    const cost = (tokens: number | undefined, price = otherwise) => (tokens ? tokens * price : 0);
    // Only a total: of which kinds, nobody knows.
    const total = usage.inputTokens === undefined && usage.outputTokens === undefined ? usage.totalTokens : 0;
    const all =
      cost(usage.inputTokens, input) +
      cost(usage.outputTokens, output) +
      cost(usage.cacheReadInputTokens, cacheRead) +
      // Caches whose time to live is not told live for five minutes.
      cost(written - hourly, write5m) +
      cost(hourly, write1h) +
      cost(total);
    // From 10^-12 to 10^-9.
    return Math.round(all / 1000);
  };
  const dearest = Math.max(0, ...prices.map((price = 0) => price));
  return {
    name: model.replace(/\*$/, '').toLowerCase(),
    isBeginning: model.endsWith('*'),
    tier: tier.toLowerCase(),
    costOf(usage) {
      const cost = sum(usage, Number.NaN);
      return Number.isNaN(cost) ? undefined : cost;
    },
    chargeOf: (usage) => sum(usage, dearest),
  };
}

/** Millionths of the currency for a million tokens: a whole number, so that sums are exact. */
function priceOf(cell: string, line: number): number | undefined {
  if (cell === '') return undefined;
  const [, whole = '', decimals = ''] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(cell) ?? [];
  if (whole === '') throw new Error(`Line ${line} of the price table has a price that is none.`);
  return Number(whole + decimals.padEnd(6, '0'));
}
