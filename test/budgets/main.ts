import { parseArgs } from 'node:util';

import { buildBundles } from '../../infra/build/build.ts';
import { runLoad } from './run.ts';
import { complaintsOf, table } from './table.ts';

/**
 * `npm run budgets`: 100,000 calls of two teams on four workers, over a table that fails; `--calls`, `--workers`,
 * `--lanes`, `--kills`, `--no-faults` and `--month-ends` make it another. Exits with 1 when the table and Bedrock differ.
 */

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    workers: { type: 'string', default: '4' },
    lanes: { type: 'string', default: '12' },
    kills: { type: 'string', default: '0' },
    'no-faults': { type: 'boolean', default: false },
    'month-ends': { type: 'boolean', default: false },
  },
});

await buildBundles();
const options = {
  calls: Number(values.calls),
  workers: Number(values.workers),
  lanes: Number(values.lanes),
  kills: Number(values.kills),
  faults: !values['no-faults'],
  monthEnds: values['month-ends'],
};
const result = await runLoad(options);
console.log(table(result, options, new Date()));
const complaints = complaintsOf(result);
for (const complaint of complaints.slice(0, 20)) console.error(complaint);
if (complaints.length > 0) process.exitCode = 1;
