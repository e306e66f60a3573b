import { buildBundles } from '../../infra/build/build.ts';
import { fuzz } from './fuzzer.ts';

/** `npm run fuzz [requests] [seed]`: the long form; prints the report and fails when something is wrong. */
const [requests = '20000', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
await buildBundles();
console.log(`seed ${seed}`);
const report = await fuzz({ requests: Number(requests), seed: Number(seed), batch: 1000, progress: console.log });
console.log(JSON.stringify(report, null, 2));
const first = Math.min(...report.heapMiB.slice(0, 5));
const last = Math.min(...report.heapMiB.slice(-5));
console.log(`heap of the worker: ${first} MiB at first, ${last} MiB at last`);
if (report.failures.length > 0 || report.restarts > 0 || last > first + 32) process.exitCode = 1;
