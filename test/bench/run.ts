import { join, resolve } from 'node:path';

import { startChild } from './child.ts';
import { coreContenders, OTHERS } from './contenders/all.ts';
import { measureStreamWeights } from './held-streams.ts';
import { type Build, measureTeams } from './measure-teams.ts';
import { measureWorks } from './measure.ts';
import type { Plan } from './plan.ts';
import { commitOf, machine, type Measured, type Run, sizeOf } from './results.ts';
import { measureStarts } from './start-up.ts';
import { measureStalls } from './stalls.ts';
import { measureUploadMemory } from './upload-memory.ts';
import type { UpstreamService } from './upstream-process.ts';
import { root } from '../support/root.ts';

/** What can be measured by itself. `core`: ours and the floor; `others`: the other contenders beside them. */
export const PARTS = ['core', 'others', 'memory', 'teams', 'starts', 'stalls'] as const;
export type Part = (typeof PARTS)[number];

export interface RunOptions {
  readonly plan: Plan;
  readonly parts: ReadonlySet<Part>;
  /** Folder of another checkout with its built bundle. */
  readonly against?: string | undefined;
  readonly progress: (line: string) => void;
}

/** Measures, one thing after another. The bundles have to be built. */
export async function runBench({
  plan,
  parts,
  against,
  progress,
}: RunOptions): Promise<{ measured: Measured; run: Run }> {
  const startedAt = performance.now();
  const date = new Date().toISOString();
  const folder = against === undefined ? undefined : resolve(against);
  // The time that each part has taken is what the next plan is made by.
  const part = async <T>(name: Part, measure: () => Promise<T>, nothing: T): Promise<T> => {
    if (!parts.has(name)) return nothing;
    const since = performance.now();
    const result = await measure();
    progress(`${name}: ${((performance.now() - since) / 1000).toFixed(0)} seconds`);
    return result;
  };

  const starts = await part('starts', () => measureStarts(plan.starts), new Map());
  const stalls = await part('stalls', () => measureStalls(plan.stallRounds), []);
  const upstream = await startChild<UpstreamService>(join(import.meta.dirname, 'upstream-process.ts'));
  const url = await upstream.ask('url');
  try {
    const core = coreContenders(folder);
    const others = parts.has('others') ? OTHERS : {};
    const { samples, skipped } = await part('core', () => measureWorks(url, core, others, plan, progress), {
      samples: new Map(),
      skipped: new Map(),
    });
    const weights = await part('memory', () => measureStreamWeights(url, core, plan, progress), new Map());
    const uploadMemory = await part('memory', () => measureUploadMemory(url, core, plan), new Map());
    const builds = new Map<Build, string>([
      ['ours', root],
      ...(folder === undefined ? [] : [['before', folder] as const]),
    ]);
    const teams = await part('teams', () => measureTeams(url, builds, plan, progress), {
      rounds: new Map(),
      turns: new Map(),
      firstCalls: new Map(),
      stsCallsPerSession: undefined,
    });
    const bundleBytes = await sizeOf(join(root, 'dist/index.cjs'));
    const run = {
      date,
      machine: machine(),
      commit: commitOf(),
      ...(folder === undefined ? {} : { before: commitOf(folder) }),
      seconds: (performance.now() - startedAt) / 1000,
      rounds: samples.get('small20')?.get('ours')?.length ?? 0,
    };
    return { measured: { samples, skipped, weights, uploadMemory, starts, stalls, teams, bundleBytes }, run };
  } finally {
    await upstream.stop();
  }
}
