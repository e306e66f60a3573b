import type { Comparison } from './compare.ts';
import type { Run } from './results.ts';
import { describeRun } from './results.ts';
import { type Spread, spreadOf } from './statistics.ts';
import { isMet, type Target } from './targets.ts';

/** What of `results/bench.json` the documents tell. */
export interface Results {
  readonly run: Run;
  readonly targets: readonly Target[];
  readonly works: Readonly<Record<string, Rounds>>;
  readonly streamMemory: Readonly<Record<string, Rounds>>;
}

interface Rounds {
  readonly rounds: Readonly<Record<string, readonly Readonly<Record<string, number>>[]>>;
}

/** Documents with figures, as paths from the root. */
export const DOCUMENTS = ['README.md', 'test/bench/README.md'] as const;

/** What stands between `<!-- bench: name -->` and `<!-- /bench -->`. */
const BLOCKS: Readonly<Record<string, (results: Results) => string>> = {
  summary,
  targets: targetTable,
  costs: costTable,
};

/** A document with the figures of these results in the place of what stood there. */
export function documented(text: string, results: Results): string {
  return text.replaceAll(
    /(<!-- bench: (\w+) -->\n)[^]*?(<!-- \/bench -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const block = BLOCKS[name];
      if (block === undefined) throw new Error(`There are no figures "${name}".`);
      return `${begin}\n${block(results)}\n\n${end}`;
    },
  );
}

function summary({ targets }: Results): string {
  const median = (title: string) => targets.find((target) => target.title.startsWith(title))?.measured?.median;
  const more = (title: string, unit: string) => {
    const value = median(title) ?? 0;
    return `${digits(Math.abs(value))} ${unit} ${value < 0 ? 'less' : 'more'}`;
  };
  return [
    `Of small calls the proxy answers ${digits(median('throughput, small'))} times as many as the floor. A call takes`,
    `${more('CPU per request, small', 'µs')} of CPU and ${more('p50, small', 'ms')} of time. An open stream takes ${digits(median('500 slow streams: memory'))} KB.`,
  ].join('\n');
}

function targetTable({ run, targets }: Results): string {
  const rows = targets.map((target) => {
    const { title, bound, limit, unit, measured } = target;
    const aim = `${bound === 'at least' ? '≥' : '≤'} ${limit} ${unit}`.trimEnd();
    return `| ${title} | ${aim} | ${figure(measured, unit)}${isMet(target) === false ? ' – missed' : ''} | ${off(measured)} |`;
  });
  return [
    '| measure | aim | median of the rounds, and its interval | ± |',
    '|---|---|---|---|',
    ...rows,
    '',
    `The run: ${describeRun(run)}.`,
  ].join('\n');
}

function costTable({ works, streamMemory }: Results): string {
  const ours = (of: Rounds | undefined, measure: string) =>
    digits(spreadOf((of?.rounds['ours'] ?? []).flatMap((round) => round[measure] ?? []))?.median);
  const { slow, busy } = streamMemory;
  return [
    '| | one of them takes |',
    '|---|---|',
    `| an open stream | ${ours(slow, 'kilobytes')} KB of memory, ${ours(busy, 'kilobytes')} KB while it is busy |`,
    `| an event of a stream, 50 a second in each of 100 streams | ${ours(works['busy'], 'cpuMicrosecondsPerEvent')} µs of a core |`,
    `| a small Converse call | ${ours(works['small20'], 'cpuMicrosecondsPerRequest')} µs of a core |`,
    '| a request body or a held answer | its size, all together no more than `MAX_BUFFERED_BYTES` |',
  ].join('\n');
}

function figure(measured: Spread | undefined, unit: string): string {
  if (measured === undefined) return 'not yet';
  const { median, low, high } = measured;
  const interval = low === high ? '' : ` (${digits(low)} to ${digits(high)})`;
  return `${digits(median)}${unit === '' ? '' : ` ${unit}`}${interval}`;
}

function off(measured: Spread | Comparison | undefined): string {
  return measured !== undefined && 'uncertainty' in measured ? `${(100 * measured.uncertainty).toFixed(1)} %` : '';
}

/** Two of them: a shared machine tells no more. */
function digits(value: number | undefined): string {
  if (value === undefined) return '–';
  const text = Math.abs(value) < 99.5 ? value.toPrecision(2) : String(Number(value.toPrecision(2)));
  return text.replace('-', '−');
}
