import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { buildBundles } from '../../infra/build/build.ts';
import { chart } from './chart.ts';
import { DOCUMENTS, documented, type Results } from './documents.ts';
import { FULL, QUICK } from './plan.ts';
import { toJson } from './results.ts';
import { type Part, PARTS, runBench } from './run.ts';
import { showProfile } from './show-profile.ts';
import { table } from './table.ts';
import { changesOf, targetsOf } from './targets.ts';
import { root } from '../support/root.ts';

/** `npm run bench`: the proxy beside others, everything on loopback. README.md, beside this file, has the options. */

const options = {
  quick: { type: 'boolean', default: false },
  lines: { type: 'string', default: PARTS.join(',') },
  against: { type: 'string' },
  document: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  work: { type: 'string', default: 'small20' },
} as const;
const { quick, lines, against, document, profile, work } = parseArgs({ options }).values;
const parts = new Set(lines.split(',').map(partOf));
const results = join(root, 'test/bench/results');

if (document) await writeDocuments();
else {
  await buildBundles();
  if (profile) await showProfile(work);
  else await bench();
}

async function bench(): Promise<void> {
  const plan = quick ? QUICK : FULL;
  const { measured, run } = await runBench({ plan, parts, against, progress: (line) => console.error(line) });
  const targets = targetsOf(measured);
  console.log(`\n${table(measured, targets, changesOf(measured), run)}\n`);

  // Only a whole run is for keeping: others go where git does not look.
  const whole = !quick && against === undefined && parts.size === PARTS.length;
  const folder = whole ? results : join(root, 'dist/bench');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'bench.json'), toJson(measured, plan, run, targets));
  await writeFile(join(folder, 'bench.svg'), chart(measured, run));
  if (whole) await writeDocuments();
  console.log(`Written to ${relative(root, folder)}. It took ${Math.round(run.seconds)} seconds.`);
}

/** The tables of the documents, by the figures that are kept. */
async function writeDocuments(): Promise<void> {
  const figures = JSON.parse(await readFile(join(results, 'bench.json'), 'utf8')) as Results;
  for (const path of DOCUMENTS) {
    const file = join(root, path);
    await writeFile(file, documented(await readFile(file, 'utf8'), figures));
  }
}

function partOf(name: string): Part {
  const part = PARTS.find((known) => known === name);
  if (part === undefined) throw new Error(`--lines is a list of ${PARTS.join(', ')}.`);
  return part;
}
