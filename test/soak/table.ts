import { cpus } from 'node:os';

import type { Sums } from '../budgets/sums.ts';
import { describeSums } from './accounts.ts';
import type { SoakOptions, SoakResult } from './run.ts';

/** Growth of the heap of a worker that is no leak: code that was compiled meanwhile, caches of the runtime. */
const HEAP_GROWTH_BYTES = 16 * 1024 * 1024;

/** What went wrong in a soak; empty when nothing did. */
export function complaintsOf(result: SoakResult, { workers }: Pick<SoakOptions, 'workers'>): string[] {
  const { unexplained, defects, restarts, before, after, differences } = result;
  const growth = after.heapBytes - before.heapBytes;
  return [
    ...unexplained,
    ...differences,
    ...(defects > 0 ? [`${defects} defects in the log`] : []),
    ...(restarts > 0 ? [`${restarts} restarts of workers`] : []),
    ...(growth > workers * HEAP_GROWTH_BYTES ? [`the heap has grown by ${megabytes(growth)}`] : []),
    ...(after.connections > before.connections ? [`${after.connections} connections to Bedrock are still open`] : []),
  ];
}

/** The soak for a terminal. */
export function table(result: SoakResult, { callers, workers }: SoakOptions, date: Date): string {
  const { seconds, outcomes, byGroup, accounts, before, after } = result;
  const rows = [...outcomes].toSorted(([one], [other]) => one.localeCompare(other));
  const calls = rows.reduce((sum, [, counts]) => sum + total(counts), 0);
  const [cpu] = cpus();
  const groups = Object.entries(Object.groupBy([...byGroup], ([name]) => name.split(' ', 1)[0] ?? '')).map(
    ([group, counts = []]) => row(group, String(total(new Map(counts))), regions(counts)),
  );
  return [
    `${date.toISOString().slice(0, 10)}, ${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`,
    `${workers} workers, ${callers} callers, ${seconds.toFixed(0)} s, ${calls} calls, ${(calls / seconds).toFixed(0)} calls/s, ` +
      `${result.rotations} rotations, ${result.vaultTroubles} troubles with the vault, ${result.vaultReads} reads of it`,
    '',
    row('fault', 'calls', 'how they ended'),
    ...rows.map(([name, counts]) => row(name === '' ? '(none)' : name, String(total(counts)), describe(counts))),
    '',
    row('group', 'calls', 'that came to Bedrock, by region'),
    ...groups,
    '',
    row(
      'account',
      'calls',
      'tokens and billionths that Bedrock has told, whole and broken answers; missing in the table',
    ),
    ...accounts.map(({ name, told: { whole, broken }, missing }) =>
      row(
        name,
        String(whole.calls + broken.calls),
        `${pair(whole)} + ${pair(broken)}; ${Object.values(missing).every((sum) => sum === 0n) ? 'nothing' : describeSums(missing)}`,
      ),
    ),
    row(
      'refused by budgets',
      String(result.usedUp),
      `${result.tableOperations} operations of the table, one in four failed`,
    ),
    '',
    row('', 'before', 'after'),
    row('heap', megabytes(before.heapBytes), megabytes(after.heapBytes)),
    row('resident memory', megabytes(before.residentBytes), megabytes(after.residentBytes)),
    row('connections', String(before.connections), String(after.connections)),
    row('unexplained calls', '', String(result.unexplained.length)),
    row('defects, restarts', '', `${result.defects}, ${result.restarts}`),
  ].join('\n');
}

function row(name: string, one: string, other: string): string {
  return `${name.padEnd(27)}${one.padStart(9)}  ${other}`;
}

function describe(counts: ReadonlyMap<string, number>): string {
  return [...counts].map(([outcome, count]) => `${outcome} × ${count}`).join(', ');
}

function regions(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([name, count]) => `${name.split(' ')[1]} × ${count}`).join(', ');
}

function pair({ tokens, cost }: Sums): string {
  return `${tokens} / ${cost}`;
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
