import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { TableStorage } from '../emulators/azure/table-storage.ts';
import type { Tokens } from '../emulators/bedrock/tokens.ts';
import { root } from '../support/root.ts';

/** By the names of the table's columns; money in billionths. */
export type Sums = Readonly<Record<(typeof COLUMNS)[number], bigint>>;

/** Tokens, by the names of the records. */
export const TOKEN_KINDS = [
  'inputTokens',
  'outputTokens',
  'cacheReadInputTokens',
  'cacheWriteInputTokens',
  'cacheWrite1hInputTokens',
] as const;

const COLUMNS = ['calls', 'tokens', 'cost', ...TOKEN_KINDS] as const;

function sumsOf(amount: (column: (typeof COLUMNS)[number]) => bigint): Sums {
  return Object.fromEntries(COLUMNS.map((column) => [column, amount(column)])) as Sums;
}

export const NOTHING: Sums = sumsOf(() => 0n);

export function added(one: Sums, other: Sums): Sums {
  return sumsOf((column) => one[column] + other[column]);
}

export function difference(one: Sums, other: Sums): Sums {
  return sumsOf((column) => one[column] - other[column]);
}

/** Sums of the rows of an account whose hour begins so. */
export function stored(storage: TableStorage, account: string, hours = ''): Sums {
  const rows = storage.all().filter(({ partition, row }) => partition === account && row.startsWith(hours));
  return sumsOf((column) => rows.reduce((sum, { columns }) => sum + BigInt(String(columns[column])), 0n));
}

export interface Answer {
  readonly modelId: string;
  readonly tokens: Tokens;
}

/** What the answers have told, in whole numbers, by the prices of the table. */
export function toldSums(answers: Iterable<Answer>, prices: Prices): Sums {
  const sums = Object.fromEntries(COLUMNS.map((column) => [column, 0n])) as Record<keyof Sums, bigint>;
  for (const { modelId, tokens } of answers) {
    const { inputTokens, outputTokens, cacheReadInputTokens, cacheWriteInputTokens } = tokens;
    const hourly = tokens.cacheWrite1hInputTokens ?? 0;
    const [input = 0n, output = 0n, cacheRead = 0n, write5m = 0n, write1h = 0n] = prices(modelId);
    const cost =
      BigInt(inputTokens) * input +
      BigInt(outputTokens) * output +
      BigInt(cacheReadInputTokens) * cacheRead +
      BigInt(cacheWriteInputTokens - hourly) * write5m +
      BigInt(hourly) * write1h;
    sums.calls += 1n;
    sums.tokens += BigInt(inputTokens + outputTokens + cacheWriteInputTokens);
    sums.cost += cost;
    sums.inputTokens += BigInt(inputTokens);
    sums.outputTokens += BigInt(outputTokens);
    sums.cacheReadInputTokens += BigInt(cacheReadInputTokens);
    sums.cacheWriteInputTokens += BigInt(cacheWriteInputTokens);
    sums.cacheWrite1hInputTokens += BigInt(hourly);
  }
  return sums;
}

/** Billionths for a token, by kind; none for a model that has no price. */
export type Prices = (modelId: string) => readonly bigint[];

/** Reads the price table once more, without what the function reads it by: a token of these models costs whole billionths. */
export async function readPriceTable(): Promise<Prices> {
  const lines = (await readFile(join(root, 'infra/prices.csv'), 'utf8'))
    .split('\n')
    .filter((line) => !/^(#|$)/.test(line));
  const rows = lines.map((line) => line.split(',').map((cell) => cell.trim()));
  return (modelId) => {
    const row = rows.find(
      ([name = '']) => modelId === name || (name.endsWith('*') && modelId.startsWith(name.slice(0, -1))),
    );
    return (row ?? []).slice(2).map((price) => {
      const billionths = 1000 * Number(price);
      if (!Number.isInteger(billionths)) throw new Error(`${price} is not a whole number of billionths for a token`);
      return BigInt(billionths);
    });
  };
}
