import { stat } from 'node:fs/promises';
import { arch, cpus, platform, release, totalmem } from 'node:os';

import { CONTENDER_NAMES, type ContenderName, DESCRIPTIONS } from './contenders/all.ts';
import type { StreamCost } from './held-streams.ts';
import type { Measure, Samples } from './measure.ts';
import type { Plan } from './plan.ts';

import type { StartFigures, StartName } from './start-up.ts';
import type { Stall } from './stalls.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { TEAMS, TEAMS_NAMES, type TeamsFigures, type TeamsName } from './teams.ts';
import type { UploadMemory } from './upload-memory.ts';
import { HELD_STREAMS, type HeldStreamsName, WORK_NAMES, type WorkName, WORKS } from './works.ts';

/** What held streams cost, by kind and contender, one for each round. */
export type StreamCosts = Map<HeldStreamsName, Map<ContenderName, StreamCost[]>>;

/** All that a run has measured, round by round. */
export interface Measured {
  readonly samples: Samples;
  readonly streamCosts: StreamCosts;
  readonly starts: ReadonlyMap<StartName, readonly StartFigures[]>;
  readonly stalls: readonly Stall[];
  readonly teams: TeamsFigures;
  readonly uploadMemory: UploadMemory;
  readonly bundleBytes: number;
  /** Why a contender is missing. */
  readonly skipped: ReadonlyMap<ContenderName, string>;
}

/** Two contenders at one work, round by round: the quotient or the difference of what they showed in the same round. */
export function compare(
  samples: Samples,
  work: WorkName,
  measure: Measure,
  pair: readonly [ContenderName, ContenderName],
  how: 'ratio' | 'difference',
): Spread | undefined {
  const [ones = [], others = []] = pair.map((name) => samples.get(work)?.get(name) ?? []);
  return compareRounds(ones, others, measure, how);
}

/** The same for who calls. */
export function compareTeams(
  { rounds }: TeamsFigures,
  measure: Measure,
  [one, other]: readonly [TeamsName, TeamsName],
): Spread | undefined {
  return compareRounds(rounds.get(one) ?? [], rounds.get(other) ?? [], measure, 'difference');
}

/** The same for starts: the difference of how long the first call took. */
export function compareStarts(
  starts: Measured['starts'],
  [one, other]: readonly [StartName, StartName],
): Spread | undefined {
  return compareRounds(starts.get(one) ?? [], starts.get(other) ?? [], 'firstCall', 'difference');
}

function compareRounds<Key extends string>(
  ones: readonly { readonly [K in Key]?: number }[],
  others: readonly { readonly [K in Key]?: number }[],
  measure: Key,
  how: 'ratio' | 'difference',
): Spread | undefined {
  const values = ones.flatMap((figures, round) => {
    const one = figures[measure];
    const other = others[round]?.[measure];
    if (one === undefined || other === undefined) return [];
    return [how === 'ratio' ? one / other : one - other];
  });
  return spreadOf(values);
}

/** A measure of one contender at one work over the rounds. */
export function spreadAt(
  samples: Samples,
  work: WorkName,
  contender: ContenderName,
  measure: Measure,
): Spread | undefined {
  return spreadOf(valuesOf(samples.get(work)?.get(contender) ?? [], measure));
}

/** The values that are there. */
export function valuesOf<T extends object>(figures: readonly T[], key: keyof T): number[] {
  return figures.map((each) => each[key]).filter((value): value is T[keyof T] & number => typeof value === 'number');
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** What the figures were taken on. */
export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** The run as JSON: every round's figures, so that whoever doubts a median can take another. */
export function toJson(measured: Measured, plan: Plan, date: Date, targets: readonly object[]): string {
  const { samples, streamCosts, starts, stalls, teams, uploadMemory, bundleBytes, skipped } = measured;
  const works = WORK_NAMES.map((work) => [
    work,
    { title: WORKS[work].title, rounds: Object.fromEntries(samples.get(work) ?? []) },
  ]);
  const held = Array.from(streamCosts, ([kind, costs]) => [
    kind,
    { title: HELD_STREAMS[kind].title, rounds: Object.fromEntries(costs) },
  ]);
  const document = {
    date: date.toISOString(),
    machine: machine(),
    plan,
    targets,
    contenders: Object.fromEntries(CONTENDER_NAMES.map((name) => [name, skipped.get(name) ?? DESCRIPTIONS[name]])),
    works: Object.fromEntries(works),
    heldStreams: Object.fromEntries(held),
    starts: Object.fromEntries(starts),
    stalls,
    teams: Object.fromEntries(
      TEAMS_NAMES.map((name) => [name, { title: TEAMS[name].title, rounds: teams.rounds.get(name) }]),
    ),
    stsCallsPerSession: teams.stsCallsPerSession,
    uploadMemory,
    bundleBytes,
  };
  const rounded = (_key: string, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(4)) : value);
  return `${JSON.stringify(document, rounded, 1)}\n`;
}
