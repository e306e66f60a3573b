import { compare, compareRounds, type Comparison, valuesOf } from './compare.ts';
import { WORK_LINES } from './lines.ts';
import { compareTeams, TEAMS_PAIRS } from './measure-teams.ts';
import type { Measured } from './results.ts';
import { worstOf } from './stalls.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { TEAMS, TEAMS_NAMES } from './teams.ts';

/** What the proxy is to reach, and what it has. */
export interface Target {
  readonly title: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
  /** Undefined when it was not measured. */
  readonly measured: Spread | Comparison | undefined;
}

export function isMet({ bound, limit, measured }: Target): boolean | undefined {
  if (measured === undefined) return undefined;
  return bound === 'at least' ? measured.median >= limit : measured.median <= limit;
}

/** Ratios and differences are taken round by round: absolute times say more about the machine than about the proxy. */
export function targetsOf(measured: Measured): readonly Target[] {
  const { samples, weights, starts, stalls, teams, uploadMemory, bundleBytes } = measured;
  const slow = weights.get('slow');
  return [
    ...WORK_LINES.map(({ title, work, measure, how, ...aim }) => ({
      ...aim,
      title: `${title}: ours ${how === 'ratio' ? '/' : '−'} floor`,
      measured: compare(samples, work, measure, ['ours', 'floor'], how),
    })),
    atMost('most memory for a request of 20 MB / its size', 1.2, '', spreadOf(uploadMemory.get('ours') ?? [])),
    atMost(
      '500 slow streams, memory: ours / floor',
      1,
      '',
      compareRounds(slow?.get('ours'), slow?.get('floor'), 'kilobytes', 'ratio'),
    ),
    atMost('500 slow streams: memory per stream', 64, 'KB', spreadOf(valuesOf(slow?.get('ours') ?? [], 'kilobytes'))),
    atMost('CPU per request of sessions: 200 subscriptions − 1', 5, 'µs', compareTeams(teams, TEAMS_PAIRS.sessions)),
    atMost(
      'CPU per request of sessions, budgets, guardrail, Entra: 200 subscriptions − 1',
      5,
      'µs',
      compareTeams(teams, TEAMS_PAIRS.all),
    ),
    atMost(
      'CPU per request: 200 subscriptions, sessions, budgets, guardrail, Entra − plain',
      10,
      'µs',
      compareTeams(teams, TEAMS_PAIRS.overPlain),
    ),
    atMost('CPU per request: budgets − none', 3, 'µs', compareTeams(teams, TEAMS_PAIRS.budgets)),
    atMost('calls of STS for a session in its hour', 1, '', spreadOf(defined([teams.stsCallsPerSession]))),
    atMost(
      'process start to function registered',
      60,
      'ms',
      spreadOf(valuesOf(starts.get('environment') ?? [], 'registered')),
    ),
    atMost(
      'first call after a cold start with Key Vault: ours − floor',
      20,
      'ms',
      compareRounds(starts.get('vault'), starts.get('floor'), 'firstCall', 'difference'),
    ),
    atMost(
      'process start to first answer with Key Vault: ours − floor',
      20,
      'ms',
      compareRounds(starts.get('vault'), starts.get('floor'), 'answered', 'difference'),
    ),
    atMost('event loop stall, worst head of 8 KB', 2, 'ms', spreadOf(worstOf(stalls, 'head'))),
    atMost('event loop stall, worst body, for a megabyte', 5, 'ms', spreadOf(worstOf(stalls, 'body'))),
    atMost('main bundle, minified', 500, 'KB', spreadOf([bundleBytes / 1000])),
    {
      title: 'requests per second, 20 at a time: ours with the host / Portkey without it',
      bound: 'at least',
      limit: 2,
      unit: '',
      measured: compare(samples, 'small20', 'requestsPerSecond', ['ours', 'portkey'], 'ratio'),
    },
  ];
}

function atMost(title: string, limit: number, unit: string, measured: Spread | undefined): Target {
  return { title, bound: 'at most', limit, unit, measured };
}

function defined(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

/** What has become of a figure since the build of `--against`. */
export interface Change {
  readonly title: string;
  readonly unit: string;
  readonly measured: Comparison;
}

/** Of the same lines as the targets, as far as the older build was measured. */
export function changesOf({ samples, weights, teams }: Measured): readonly Change[] {
  const [ours, before] = (['ours', 'before'] as const).map((build) => teams.rounds.get(build));
  const slow = weights.get('slow');
  const changes: readonly (Omit<Change, 'measured'> & { readonly measured: Comparison | undefined })[] = [
    ...WORK_LINES.map(({ title, work, measure, how, unit }) => ({
      title: `${title}: ours ${how === 'ratio' ? '/' : '−'} before`,
      unit,
      measured: compare(samples, work, measure, ['ours', 'before'], how),
    })),
    {
      title: '500 slow streams, memory: ours / before',
      unit: '',
      measured: compareRounds(slow?.get('ours'), slow?.get('before'), 'kilobytes', 'ratio'),
    },
    ...TEAMS_NAMES.map((name) => ({
      title: `CPU per request, ${TEAMS[name].title}: ours − before`,
      unit: 'µs',
      measured: compareRounds(ours?.get(name), before?.get(name), 'cpuMicrosecondsPerRequest', 'difference'),
    })),
  ];
  return changes.flatMap(({ measured, ...change }) => (measured === undefined ? [] : [{ ...change, measured }]));
}
