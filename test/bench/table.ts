import { compare, compareRounds, spreadAt, valuesOf } from './compare.ts';
import { CONTENDER_NAMES, type ContenderName, DESCRIPTIONS } from './contenders/all.ts';
import type { Measure } from './figures.ts';
import type { StreamWeight } from './held-streams.ts';
import { withInterval } from './numbers.ts';
import { describeRun, type Measured, type Run } from './results.ts';
import { type StartFigures, STARTS } from './start-up.ts';
import { spreadOf } from './statistics.ts';
import { type Change, isMet, type Target } from './targets.ts';
import { TEAMS } from './teams.ts';
import { HELD_STREAMS, WORK_NAMES, type WorkName, WORKS } from './works.ts';

/** The run for a terminal: what was to be reached, then ratios, then absolute figures. */
export function table(measured: Measured, targets: readonly Target[], changes: readonly Change[], run: Run): string {
  return [
    `${describeRun(run)}, ${Math.round(run.seconds)} seconds`,
    'Median of the rounds (its 95 % interval, of few rounds smallest and largest) ± half of it; ratios and differences',
    'are taken within a round.',
    '',
    ...columns(targets.filter((target) => target.measured !== undefined).map(targetLine)),
    '',
    ...columns(changes.map(({ title, unit, measured: change }) => [title, unit, withInterval(change)])),
    ...(changes.length === 0 ? [] : ['']),
    ...WORK_NAMES.flatMap((work) => workLines(measured, work)),
    ...streamWeightLines(measured),
    ...uploadLines(measured),
    ...teamsLines(measured),
    ...startLines(measured),
    ...stallLines(measured),
    ...CONTENDER_NAMES.filter((name) => measured.skipped.has(name) || measured.samples.get('small20')?.has(name)).map(
      (name) => `${name.padEnd(9)}${measured.skipped.get(name) ?? DESCRIPTIONS[name]}`,
    ),
  ].join('\n');
}

function targetLine(target: Target): string[] {
  const { title, bound, limit, unit, measured } = target;
  const sign = bound === 'at least' ? '≥' : '≤';
  return [isMet(target) === true ? 'ok' : 'MISSED', title, `${sign} ${limit} ${unit}`, withInterval(measured)];
}

/** Columns of a work's table. */
type Column = readonly [head: string, measure: Measure];

const LATENCY: readonly Column[] = [
  ['requests/s', 'requestsPerSecond'],
  ['p50 ms', 'p50'],
  ['p95 ms', 'p95'],
  ['p99 ms', 'p99'],
];
const STREAM: readonly Column[] = [
  ['first byte ms', 'firstByte'],
  ['last byte ms', 'p50'],
  ['spacing p50 ms', 'gap'],
  ['spacing p99 ms', 'gap99'],
];
const FLOOD: readonly Column[] = [
  ['MB/s', 'megabytesPerSecond'],
  ['first byte ms', 'firstByte'],
];
const COST: readonly Column[] = [
  ['CPU µs/request', 'cpuMicrosecondsPerRequest'],
  ['resident MB', 'residentMegabytes'],
];

const HELD: readonly Column[] = [
  ['CPU µs/event', 'cpuMicrosecondsPerEvent'],
  ['cores in all', 'coreShare'],
  ['resident MB', 'residentMegabytes'],
];

const COLUMNS: Readonly<Record<WorkName, readonly Column[]>> = {
  small1: [...LATENCY, ...COST],
  small20: [...LATENCY, ...COST],
  small100: [...LATENCY, ...COST],
  upload1: [...LATENCY, ...COST],
  upload20: [...LATENCY, ...COST],
  events: [...STREAM, ...COST],
  flood: [...FLOOD, ...COST],
  busy: HELD,
};

function workLines({ samples }: Measured, work: WorkName): string[] {
  const rate = work === 'busy' ? 'cpuMicrosecondsPerEvent' : 'requestsPerSecond';
  const row = (name: ContenderName): string[] => [
    name,
    withInterval(compare(samples, work, rate, [name, 'floor'], 'ratio')),
    ...COLUMNS[work].map(([, measure]) => withInterval(spreadAt(samples, work, name, measure))),
  ];
  const rows = CONTENDER_NAMES.filter((name) => samples.get(work)?.has(name)).map(row);
  const rounds = samples.get(work)?.get('ours')?.length ?? 0;
  return block(
    `${WORKS[work].title} (${rounds} rounds)`,
    ['', '/ floor', ...COLUMNS[work].map(([head]) => head)],
    rows,
  );
}

function streamWeightLines({ weights }: Measured): string[] {
  return Array.from(weights).flatMap(([kind, rounds]) =>
    block(
      `memory: ${HELD_STREAMS[kind].title}`,
      ['', ...WEIGHT.map(([head]) => head)],
      Array.from(rounds, ([name, figures]) => [
        name,
        ...WEIGHT.map(([, measure]) => withInterval(spreadOf(valuesOf(figures, measure)))),
      ]),
    ),
  );
}

const WEIGHT = [
  ['resident KB/stream', 'residentKilobytes'],
  ['heap KB/stream', 'heapKilobytes'],
] as const satisfies readonly (readonly [head: string, measure: keyof StreamWeight])[];

function uploadLines({ uploadMemory }: Measured): string[] {
  const rows = Array.from(uploadMemory, ([name, values]) => [name, withInterval(spreadOf(values))]);
  return block('most memory for a request of 20 MB / its size', ['', 'ratio'], rows);
}

function teamsLines({ teams }: Measured): string[] {
  const shown = [...LATENCY, ...COST];
  const firsts = Array.from(teams.firstCalls, ([app, values]) => [app, withInterval(spreadOf(values))]);
  const first = block('first call of a subscription in a warm worker − a later one', ['', 'CPU µs'], firsts);
  const called = Array.from(teams.rounds).flatMap(([build, rounds]) => {
    const plain = rounds.get('plain');
    const rows = Array.from(rounds, ([name, figures]) => [
      TEAMS[name].title,
      withInterval(compareRounds(figures, plain, 'cpuMicrosecondsPerRequest', 'difference')),
      ...shown.map(([, measure]) => withInterval(spreadOf(valuesOf(figures, measure)))),
    ]);
    const title = `who calls: small Converse, 20 at a time, ${build} (${plain?.length ?? 0} rounds)`;
    return block(title, ['', 'CPU − plain', ...shown.map(([head]) => head)], rows);
  });
  return [...called, ...first];
}

/** Columns, in the usual order. */
const MILESTONES = [
  'node',
  'registered',
  'token',
  'secret',
  'listening',
  'tls',
  'answered',
  'firstCall',
] as const satisfies readonly (keyof StartFigures)[];

function startLines({ starts }: Measured): string[] {
  const rows = Array.from(starts, ([name, figures]) => [
    STARTS[name].title,
    ...MILESTONES.map((milestone) => withInterval(spreadOf(valuesOf(figures, milestone)))),
  ]);
  const heads = ['', ...MILESTONES.slice(0, -1), 'first call took'];
  return block('start-up: ms since the start of the process', heads, rows);
}

function stallLines({ stalls }: Measured): string[] {
  const rows = stalls.map(({ title, kind, rounds }) => [`${kind}: ${title}`, withInterval(spreadOf(rounds))]);
  return block('event loop stalls: ms for a head of 8 KB, or a megabyte of a body', ['', 'ms'], rows);
}

/** Nothing where nothing was measured. */
function block(title: string, heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [title, ...columns([heads, ...rows]), ''];
}

/** Rows of equally many cells, aligned. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_head, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd());
}
