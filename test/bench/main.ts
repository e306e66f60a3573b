import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { buildBundles } from '../../infra/build/build.ts';
import { chart } from './chart.ts';
import { startChild } from './child.ts';
import { CONTENDER_NAMES, type ContenderName, CONTENDERS } from './contenders/all.ts';
import { type Contender, Unavailable } from './contenders/contender.ts';
import { measureAll } from './measure.ts';
import { measureStreamCost } from './held-streams.ts';
import { FULL, type Plan, QUICK } from './plan.ts';
import { showProfile } from './show-profile.ts';
import { type Measured, sizeOf, type StreamCosts, toJson } from './results.ts';
import { measureStarts } from './start-up.ts';
import { measureStalls } from './stalls.ts';
import { table } from './table.ts';
import { targetsOf } from './targets.ts';
import { measureTeams } from './teams.ts';
import { measureUploadMemory } from './upload-memory.ts';
import type { UpstreamService } from './upstream-process.ts';
import { HELD_STREAMS, HELD_STREAMS_NAMES } from './works.ts';
import { root } from '../support/root.ts';

/**
 * `npm run bench`: the proxy beside others, everything on loopback. `--quick` takes three minutes. `--profile` tells
 * instead where the processor time of a small call goes, or with `--work=` of another one.
 */

const startedAt = performance.now();

const options = {
  quick: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  work: { type: 'string', default: 'small20' },
} as const;
const { quick, profile, work } = parseArgs({ options }).values;
await buildBundles();
if (profile) {
  await showProfile(work);
  process.exit();
}
const measured = await measureEverything(quick ? QUICK : FULL);
const targets = targetsOf(measured);
const date = new Date();
console.log(`\n${table(measured, targets, date)}\n`);

// Quick figures are not for keeping: they go where git does not look.
const folder = join(root, quick ? 'dist/bench' : 'test/bench/results');
await mkdir(folder, { recursive: true });
await writeFile(join(folder, 'bench.json'), toJson(measured, quick ? QUICK : FULL, date, targets));
await writeFile(join(folder, 'bench.svg'), chart(measured, date));
console.log(
  `Written to ${relative(root, folder)}. It took ${Math.round((performance.now() - startedAt) / 1000)} seconds.`,
);

async function measureEverything(plan: Plan): Promise<Measured> {
  const progress = (line: string): void => console.error(line);
  progress('start-up');
  const starts = await measureStarts(plan.starts);
  progress('stalls');
  const stalls = await measureStalls(plan.rounds);
  const upstream = await startChild<UpstreamService>(join(import.meta.dirname, 'upstream-process.ts'));
  const upstreamUrl = await upstream.ask('url');
  const { running, skipped } = await startAll(upstreamUrl);
  for (const [name, reason] of skipped) progress(`skipped: ${name}, because ${reason}`);
  // Not every contender ends by itself when this process fails.
  const samples = await measureAll(running, plan, progress).finally(() =>
    Promise.all([...running.values()].map((contender) => contender.close())),
  );

  const streamCosts: StreamCosts = new Map(HELD_STREAMS_NAMES.map((kind) => [kind, new Map()]));
  for (let round = 0; round < plan.streamRounds; round += 1) {
    for (const [kind, costs] of streamCosts) {
      for (const name of running.keys()) {
        if (name === 'direct') continue;
        progress(`round ${round + 1} of ${plan.streamRounds}: ${HELD_STREAMS[kind].title}: ${name}`);
        const cost = await measureStreamCost(CONTENDERS[name], upstreamUrl, HELD_STREAMS[kind], plan);
        if (cost !== undefined) costs.set(name, [...(costs.get(name) ?? []), cost]);
      }
    }
  }
  progress('memory of a large request');
  const uploadMemory = await measureUploadMemory(upstreamUrl, plan);
  progress('one subscription and many');
  const teams = await measureTeams(upstreamUrl, plan);
  await upstream.stop();
  const bundleBytes = await sizeOf(join(root, 'dist/index.cjs'));
  return { samples, streamCosts, starts, stalls, teams, uploadMemory, bundleBytes, skipped };
}

async function startAll(upstream: string) {
  const running = new Map<ContenderName, Contender>();
  const skipped = new Map<ContenderName, string>();
  for (const name of CONTENDER_NAMES) {
    try {
      running.set(name, await CONTENDERS[name](upstream));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      skipped.set(name, error.message);
    }
  }
  return { running, skipped };
}
