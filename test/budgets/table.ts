import { cpus } from 'node:os';

import type { LoadOptions, LoadResult } from './run.ts';
import { difference } from './sums.ts';

/** Where the table and Bedrock differ by more than a worker that was killed may have had unwritten; empty: nowhere. */
export function complaintsOf({ unexpected, accounts, usage }: LoadResult): string[] {
  const wrong = accounts.flatMap(({ name, told, stored, most }) => {
    const missing = difference(told, stored);
    if (Object.values(missing).some((sum) => sum < 0n)) return [`${name} has more than was told`];
    const isExact = Object.values(missing).every((sum) => sum === 0n);
    return isExact || missing.calls <= most ? [] : [`${name} lacks ${missing.calls} calls, ${most} at most`];
  });
  const asked = usage.workers.filter((used) => used !== usage.table);
  return [...unexpected, ...wrong, ...asked.map((used) => `GET /usage tells ${used}, the table ${usage.table}`)];
}

/** The run for a terminal. */
export function table(result: LoadResult, { workers, lanes }: LoadOptions, date: Date): string {
  const { seconds, accounts, kills, operations, months } = result;
  const [cpu] = cpus();
  const teams = accounts.filter(({ name }) => name.startsWith('subscription:'));
  const calls = teams.reduce((sum, { told }) => sum + Number(told.calls), 0);
  return [
    `${date.toISOString().slice(0, 10)}, ${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`,
    `${result.calls} calls, ${calls} of which have told tokens, ${workers} workers of ${lanes} at a time, ${seconds.toFixed(0)} s, ` +
      `${operations} operations of the table, months ${months.join(' and ')}`,
    '',
    row('', 'told by Bedrock', 'in the table', 'missing'),
    ...teams.flatMap(rowsOf),
    ...kills.map(
      ({ missing, most, sinceWriteMs }) =>
        `a worker was killed ${(sinceWriteMs / 1000).toFixed(1)} s after its last write: ${missing} calls are missing, ${most} at most`,
    ),
    `calls that ended otherwise than their kind says: ${result.unexpected.length}`,
  ].join('\n');
}

function rowsOf({ name, told, stored }: LoadResult['accounts'][number]): string[] {
  const missing = Object.entries(difference(told, stored)) as [keyof typeof told, bigint][];
  return [
    name,
    ...missing.map(([column, more]) => row(`  ${column}`, String(told[column]), String(stored[column]), String(more))),
  ];
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(28) + cells.map((cell) => cell.padStart(18)).join('');
}
