import type { RequestRecord } from '../support/records.ts';
import type { Column } from './page.ts';

/** Columns of the table of usage. */
export const USAGE_COLUMNS: readonly Column[] = [
  { head: 'team', width: 7 },
  { head: 'model', width: 28 },
  { head: 'calls', width: 5, right: true },
  { head: 'failed', width: 6, right: true },
  { head: 'input', width: 6, right: true },
  { head: 'output', width: 6, right: true },
  { head: 'cache', width: 6, right: true },
  { head: 'total', width: 6, right: true },
  { head: '1st token', width: 9, right: true },
];

/** A row for each team and model, and one for all of them, told by these records alone. */
export function usageRows(records: readonly RequestRecord[]): string[][] {
  const groups = Map.groupBy(records, (record) => `${nameOf(record)}\n${String(record['modelId'] ?? '')}`);
  const rows = [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => tableRow(group));
  return [...rows, ['', 'all', ...figures(records)]];
}

function tableRow(group: readonly RequestRecord[]): string[] {
  const [record = {}] = group;
  return [nameOf(record), String(record['modelId'] ?? '(no valid model)'), ...figures(group)];
}

function figures(group: readonly RequestRecord[]): string[] {
  const of = (...kinds: string[]) => number(sum(kinds.flatMap((kind) => group.map((record) => record[kind]))));
  return [
    number(group.length),
    number(group.filter((record) => record['errorType'] !== undefined).length),
    of('inputTokens'),
    of('outputTokens'),
    of('cacheReadInputTokens', 'cacheWriteInputTokens'),
    of('totalTokens'),
    median(group.map((record) => record['firstTokenMs'])),
  ];
}

function nameOf(record: RequestRecord): string {
  return String(record['subscriptionName'] ?? record['subscriptionId']);
}

/** What is absent adds nothing. */
export function sum(values: readonly unknown[]): number {
  return values.reduce<number>((before, value) => before + Number(value ?? 0), 0);
}

function median(values: readonly unknown[]): string {
  const times = values.filter((value) => typeof value === 'number').toSorted((a, b) => a - b);
  const middle = times[Math.floor(times.length / 2)];
  return middle === undefined ? '-' : `${Math.round(middle)} ms`;
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}
