import type { Fault, TableStorage } from '../emulators/azure/table-storage.ts';

/** What befalls the operations of the table, one after the other, over and over. */
const FAULTS: readonly (Fault | undefined)[] = [
  undefined,
  undefined,
  undefined,
  { kind: 'status', status: 503 },
  undefined,
  { kind: 'after' },
  undefined,
  { kind: 'stale' },
  undefined,
  { kind: 'status', status: 503, retryAfterSeconds: 1 },
  undefined,
  { kind: 'late' },
  undefined,
  // Done, and its answer never comes: five seconds of waiting each, so these are rarer.
  { kind: 'silent' },
  ...Array.from({ length: 9 }, () => undefined),
];

/** A table that fails in every known way, one time in four. */
export function faults(): () => Fault | undefined {
  let operation = 0;
  return () => FAULTS[operation++ % FAULTS.length];
}

/** Has a table fail until it is mended. */
export function failing(table: Pick<TableStorage, 'onRequest' | 'doLate'>) {
  const befall = faults();
  let operations = 0;
  table.onRequest(() => {
    operations += 1;
    // Those that were put off happen after others.
    if (operations % 7 === 0) table.doLate();
    return befall();
  });
  return {
    operations: () => operations,
    mend() {
      table.onRequest(() => undefined);
      table.doLate();
    },
  };
}
