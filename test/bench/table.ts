import { CONTENDER_NAMES, type ContenderName, DESCRIPTIONS } from './contenders/all.ts';
import type { StreamCost } from './held-streams.ts';
import type { Measure } from './measure.ts';
import { compare, machine, type Measured, spreadAt, valuesOf } from './results.ts';
import { type StartFigures, STARTS } from './start-up.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { isMet, type Target } from './targets.ts';
import { TEAMS } from './teams.ts';
import { HELD_STREAMS, WORK_NAMES, type WorkName, WORKS } from './works.ts';

/** The run for a terminal: what was to be reached, then ratios, then absolute figures. */
export function table(measured: Measured, targets: readonly Target[], date: Date): string {
  const { cpu, cores, memoryGigabytes, node } = machine();
  return [
    `${date.toISOString().slice(0, 10)}, ${cpu}, ${cores} cores, ${memoryGigabytes} GB, Node ${node}`,
    'Median of the rounds (its 95 % interval, of few rounds smallest and largest); ratios and differences are taken within a round.',
    '',
    ...targets.map(targetLine),
    '',
    ...WORK_NAMES.flatMap((work) => workLines(measured, work)),
    ...streamCostLines(measured),
    ...uploadLines(measured),
    ...teamsLines(measured),
    ...startLines(measured),
    '',
    ...stallLines(measured),
    '',
    ...CONTENDER_NAMES.map((name) => `${name.padEnd(9)}${measured.skipped.get(name) ?? DESCRIPTIONS[name]}`),
  ].join('\n');
}

function targetLine(target: Target): string {
  const { title, bound, limit, unit, measured } = target;
  const verdict = { true: 'ok', false: 'MISSED', undefined: 'not measured' }[String(isMet(target))] ?? '';
  const sign = bound === 'at least' ? '≥' : '≤';
  return `${verdict.padEnd(13)}${title.padEnd(76)}${`${sign} ${limit} ${unit}`.padEnd(10)}${format(measured)}`;
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

function workLines({ samples }: Measured, work: WorkName): string[] {
  const own = work === 'events' ? STREAM : work === 'flood' ? FLOOD : LATENCY;
  const shown = [...own, ...COST];
  const row = (name: ContenderName): string[] => [
    name,
    format(compare(samples, work, 'requestsPerSecond', [name, 'floor'], 'ratio')),
    ...shown.map(([, measure]) => format(spreadAt(samples, work, name, measure))),
  ];
  const measuredHere = CONTENDER_NAMES.filter((name) => samples.get(work)?.has(name));
  const heads = ['', '/ floor', ...shown.map(([head]) => head)];
  return [WORKS[work].title, ...columns([heads, ...measuredHere.map(row)]), ''];
}

function streamCostLines({ streamCosts }: Measured): string[] {
  const lines: string[] = [];
  for (const [kind, costs] of streamCosts) {
    const rows = Array.from(costs, ([name, rounds]) => [
      name,
      ...STREAM_COST.map(([, measure]) => format(spreadOf(valuesOf(rounds, measure)))),
    ]);
    lines.push(HELD_STREAMS[kind].title, ...columns([['', ...STREAM_COST.map(([head]) => head)], ...rows]), '');
  }
  return lines;
}

const STREAM_COST = [
  ['resident KB/stream', 'residentKilobytes'],
  ['heap KB/stream', 'heapKilobytes'],
  ['CPU µs/event', 'cpuMicrosecondsPerEvent'],
  ['cores in all', 'coreShare'],
] as const satisfies readonly (readonly [head: string, measure: keyof StreamCost])[];

function uploadLines({ uploadMemory }: Measured): string[] {
  const rows = (['ours', 'floor'] as const).map((name) => [name, format(spreadOf(uploadMemory[name]))]);
  return ['most memory for a request of 20 MB / its size', ...columns([['', 'ratio'], ...rows]), ''];
}

function teamsLines({ teams }: Measured): string[] {
  const shown = [...LATENCY, ...COST];
  const rows = Array.from(teams.rounds, ([name, figures]) => [
    TEAMS[name].title,
    ...shown.map(([, measure]) => format(spreadOf(valuesOf(figures, measure)))),
  ]);
  const heads = ['', ...shown.map(([head]) => head)];
  return ['who calls: small Converse, 20 at a time', ...columns([heads, ...rows]), ''];
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
    ...MILESTONES.map((milestone) => format(spreadOf(valuesOf(figures, milestone)))),
  ]);
  const heads = ['', ...MILESTONES.slice(0, -1), 'first call took'];
  return ['start-up: ms since the start of the process', ...columns([heads, ...rows])];
}

function stallLines({ stalls }: Measured): string[] {
  const rows = stalls.map(({ title, kind, rounds }) => [`${kind}: ${title}`, format(spreadOf(rounds))]);
  return ['event loop stalls: ms for a head of 8 KB, or a megabyte of a body', ...columns([['', 'ms'], ...rows])];
}

/** Rows of equally many cells, aligned. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_head, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd());
}

function format(spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  const { median, low, high } = spread;
  return low === high ? number(median) : `${number(median)} (${number(low)}..${number(high)})`;
}

/** Three significant digits, and no fewer than the digits before the point. */
function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
