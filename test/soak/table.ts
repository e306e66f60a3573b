import { cpus } from 'node:os';

import type { SoakOptions, SoakResult } from './run.ts';

/** Growth of the heap that is no leak: code that was compiled meanwhile, caches of the runtime. */
const HEAP_GROWTH_BYTES = 16 * 1024 * 1024;

/** What went wrong in a soak; empty when nothing did. */
export function complaintsOf({ unexplained, defects, restarts, before, after }: SoakResult): string[] {
  const growth = after.heapBytes - before.heapBytes;
  return [
    ...unexplained,
    ...(defects > 0 ? [`${defects} defects in the log`] : []),
    ...(restarts > 0 ? [`${restarts} restarts of the worker`] : []),
    ...(growth > HEAP_GROWTH_BYTES ? [`the heap has grown by ${megabytes(growth)}`] : []),
    ...(after.connections > before.connections ? [`${after.connections} connections to Bedrock are still open`] : []),
  ];
}

/** The soak for a terminal. */
export function table(result: SoakResult, { callers }: SoakOptions, date: Date): string {
  const { seconds, outcomes, before, after } = result;
  const rows = [...outcomes].toSorted(([one], [other]) => one.localeCompare(other));
  const calls = rows.reduce((sum, [, counts]) => sum + total(counts), 0);
  const [cpu] = cpus();
  return [
    `${date.toISOString().slice(0, 10)}, ${cpu?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`,
    `${callers} callers, ${seconds.toFixed(0)} s, ${calls} calls, ${(calls / seconds).toFixed(0)} calls/s, ` +
      `${result.rotations} rotations, ${result.vaultTroubles} troubles with the vault, ${result.vaultReads} reads of it`,
    '',
    row('fault', 'calls', 'how they ended'),
    ...rows.map(([name, counts]) => row(name === '' ? '(none)' : name, String(total(counts)), describe(counts))),
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

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
