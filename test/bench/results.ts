import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';

import { CONTENDER_NAMES, DESCRIPTIONS } from './contenders/all.ts';
import type { StreamWeights } from './held-streams.ts';
import type { MeasuredWorks } from './measure.ts';
import type { TeamsFigures } from './measure-teams.ts';
import type { Plan } from './plan.ts';
import type { StartFigures, StartName } from './start-up.ts';
import type { Stall } from './stalls.ts';
import { TEAMS } from './teams.ts';
import type { UploadMemory } from './upload-memory.ts';
import { HELD_STREAMS, WORK_NAMES, WORKS } from './works.ts';
import { root } from '../support/root.ts';

/** All that a run has measured, round by round; empty what it was told to leave out. */
export interface Measured extends MeasuredWorks {
  readonly weights: StreamWeights;
  readonly starts: ReadonlyMap<StartName, readonly StartFigures[]>;
  readonly stalls: readonly Stall[];
  readonly teams: TeamsFigures;
  readonly uploadMemory: UploadMemory;
  readonly bundleBytes: number;
}

/** Which run it was. */
export interface Run {
  /** ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  /** Short; with `+` where files differed from it. */
  readonly commit: string;
  /** Of `--against`. */
  readonly before?: string;
  readonly seconds: number;
  /** Of the works, of which some took all and some fewer. */
  readonly rounds: number;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** What the figures were taken on. */
export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** The commit of a folder; `unknown` outside of Git. */
export function commitOf(folder: string = root): string {
  const git = (...args: string[]) => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8', stdio: 'pipe' });
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no').trim() === '' ? '' : '+';
    return `${git('rev-parse', '--short', 'HEAD').trim()}${changed}`;
  } catch {
    return 'unknown';
  }
}

/** In one line. */
export function describeRun({
  date,
  machine: { cpu, cores, memoryGigabytes, node },
  commit,
  before,
  rounds,
}: Run): string {
  const than = before === undefined ? '' : `, before: ${before}`;
  return `${date.slice(0, 10)}, ${cpu}, ${cores} cores, ${memoryGigabytes} GB, Node ${node.slice(1)}, commit ${commit}${than}, ${rounds} rounds`;
}

/** The run as JSON: every round's figures, so that whoever doubts a median can take another. */
export function toJson(measured: Measured, plan: Plan, run: Run, targets: readonly object[]): string {
  const { samples, weights, starts, stalls, teams, uploadMemory, bundleBytes, skipped } = measured;
  const works = WORK_NAMES.map((work) => [
    work,
    { title: WORKS[work].title, rounds: Object.fromEntries(samples.get(work) ?? []) },
  ]);
  const held = Array.from(weights, ([kind, rounds]) => [
    kind,
    { title: HELD_STREAMS[kind].title, rounds: Object.fromEntries(rounds) },
  ]);
  const document = {
    run,
    plan,
    targets,
    contenders: Object.fromEntries(CONTENDER_NAMES.map((name) => [name, skipped.get(name) ?? DESCRIPTIONS[name]])),
    works: Object.fromEntries(works),
    streamMemory: Object.fromEntries(held),
    starts: Object.fromEntries(starts),
    stalls,
    teams: Object.fromEntries(
      Array.from(teams.rounds, ([build, rounds]) => [
        build,
        Object.fromEntries(
          Array.from(rounds, ([name, figures]) => [name, { title: TEAMS[name].title, rounds: figures }]),
        ),
      ]),
    ),
    teamsTurns: Object.fromEntries(teams.turns),
    teamsFirstCalls: Object.fromEntries(teams.firstCalls),
    stsCallsPerSession: teams.stsCallsPerSession,
    uploadMemory: Object.fromEntries(uploadMemory),
    bundleBytes,
  };
  const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
  return `${JSON.stringify(document, rounded, 1)}\n`;
}
