import { parseArgs } from 'node:util';

import { buildBundles } from '../../infra/build/build.ts';
import { runSoak } from './run.ts';
import { complaintsOf, table } from './table.ts';

/**
 * `npm run soak`: ten minutes of calls through the whole chain with faults and rotations; `--seconds`, `--workers`,
 * `--callers`, `--faults` (per cent) and `--rotate` (seconds) make it another. Exits with 1 when a call is not accounted for.
 */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    workers: { type: 'string', default: '2' },
    callers: { type: 'string', default: '200' },
    faults: { type: 'string', default: '1' },
    rotate: { type: 'string', default: '60' },
  },
});

await buildBundles();
const options = {
  seconds: Number(values.seconds),
  leastCalls: 0,
  workers: Number(values.workers),
  callers: Number(values.callers),
  faultPercent: Number(values.faults),
  rotateSeconds: Number(values.rotate),
  timeoutSeconds: 10,
  settleSeconds: 60,
};
const result = await runSoak(options);
console.log(table(result, options, new Date()));
const complaints = complaintsOf(result, options);
for (const complaint of complaints.slice(0, 20)) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
