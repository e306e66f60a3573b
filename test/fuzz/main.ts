import { parseArgs } from 'node:util';

import { buildBundles } from '../../infra/build/build.ts';
import { fuzz } from './fuzzer.ts';
import { fuzzOrders } from './order-fuzzer.ts';

/**
 * `npm run fuzz [requests] [seed]`: the long form of both fuzzers, for each five requests that are spoilt one call by
 * orders of every kind; `--only bytes` or `--only orders` for one of them. Prints the reports and fails when something is
 * wrong.
 */

const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true });
const [requests = '20000', seed = String(Date.now() % 1_000_000)] = positionals;
await buildBundles();
console.log(`seed ${seed}`);
if (values.only !== 'orders') {
  tell(await fuzz({ requests: Number(requests), seed: Number(seed), batch: 1000, progress: console.log }));
}
if (values.only !== 'bytes') {
  const calls = values.only === 'orders' ? Number(requests) : Math.ceil(Number(requests) / 5);
  tell(await fuzzOrders({ requests: calls, seed: Number(seed), workers: 2, progress: console.log }));
}

function tell(report: {
  readonly failures: readonly string[];
  readonly restarts: number;
  readonly heapMiB: readonly number[];
}): void {
  console.log(JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2));
  const first = Math.min(...report.heapMiB.slice(0, 5));
  const last = Math.min(...report.heapMiB.slice(-5));
  console.log(`heap of the workers: ${first} MiB at first, ${last} MiB at last`);
  if (report.failures.length > 0 || report.restarts > 0 || last > first + 32) process.exitCode = 1;
}
