import type { LoadFigures } from './load.ts';
import { spreadOf } from './statistics.ts';
import type { Work } from './works.ts';

/** What is told of one contender at one work in one round. Times in milliseconds unless the name says otherwise. */
const MEASURES = [
  'requestsPerSecond',
  'megabytesPerSecond',
  'p50',
  'p95',
  'p99',
  'firstByte',
  'gap',
  'gap99',
  'cpuMicrosecondsPerRequest',
  'cpuMicrosecondsPerEvent',
  'coreShare',
  'residentMegabytes',
] as const;

export type Measure = (typeof MEASURES)[number];

/** What could not be measured, or is nothing to measure there, is absent. */
export type Figures = Readonly<Partial<Record<Measure, number>>>;

/** One turn of a contender: what the client saw, and what the process took meanwhile. */
export interface Turn {
  readonly load: LoadFigures;
  readonly cpuMicroseconds?: number;
  readonly rss?: number;
}

/** Of all turns of a round: sums where something is used up, so that nothing rare gets lost; medians of times. */
export function figuresOf(turns: readonly Turn[], { promptLength }: Pick<Work, 'promptLength'>): Figures {
  const loads = turns.map(({ load }) => load);
  const sum = (key: 'requests' | 'seconds' | 'answerBytes') => loads.reduce((total, load) => total + load[key], 0);
  const median = (key: 'p50' | 'p95' | 'p99' | 'firstByte' | 'gap' | 'gap99') =>
    spreadOf(loads.map((load) => load[key]))?.median ?? 0;
  const requests = sum('requests');
  const seconds = sum('seconds');
  const cpu = turns.reduce((total, { cpuMicroseconds = Number.NaN }) => total + cpuMicroseconds, 0);
  const rss = turns.at(-1)?.rss;
  return {
    requestsPerSecond: requests / seconds,
    megabytesPerSecond: (sum('answerBytes') + requests * promptLength) / seconds / 1_000_000,
    p50: median('p50'),
    p95: median('p95'),
    p99: median('p99'),
    firstByte: median('firstByte'),
    gap: median('gap'),
    gap99: median('gap99'),
    ...(Number.isNaN(cpu) ? {} : { cpuMicrosecondsPerRequest: cpu / requests }),
    ...(rss === undefined ? {} : { residentMegabytes: rss / 1_000_000 }),
  };
}

/** The time in which streams that stay open were watched. */
export interface Watch {
  readonly events: number;
  readonly milliseconds: number;
  readonly cpuMicroseconds?: number;
  readonly rss?: number;
}

export function figuresOfWatches(watches: readonly Watch[]): Figures {
  const sum = (of: (watch: Watch) => number) => watches.reduce((total, watch) => total + of(watch), 0);
  const cpu = sum(({ cpuMicroseconds = Number.NaN }) => cpuMicroseconds);
  const rss = watches.at(-1)?.rss;
  return {
    ...(Number.isNaN(cpu)
      ? {}
      : {
          cpuMicrosecondsPerEvent: cpu / sum(({ events }) => events),
          coreShare: cpu / 1000 / sum(({ milliseconds }) => milliseconds),
        }),
    ...(rss === undefined ? {} : { residentMegabytes: rss / 1_000_000 }),
  };
}
