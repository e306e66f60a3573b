import { compare, type How, type Samples } from './compare.ts';
import type { ContenderName } from './contenders/all.ts';
import type { Measure } from './figures.ts';
import type { WorkName } from './works.ts';

/** What is asked of a work, and how well ours is to do there beside the floor. */
export interface WorkLine {
  readonly title: string;
  readonly work: WorkName;
  readonly measure: Measure;
  readonly how: How;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
}

/** In the order of the table. */
export const WORK_LINES: readonly WorkLine[] = [
  {
    title: 'throughput, small Converse, 20 at a time',
    work: 'small20',
    measure: 'requestsPerSecond',
    how: 'ratio',
    bound: 'at least',
    limit: 0.97,
    unit: '',
  },
  {
    title: 'CPU per request, small Converse, 20 at a time',
    work: 'small20',
    measure: 'cpuMicrosecondsPerRequest',
    how: 'difference',
    bound: 'at most',
    limit: 15,
    unit: 'µs',
  },
  {
    title: 'p50, small Converse, 1 at a time',
    work: 'small1',
    measure: 'p50',
    how: 'difference',
    bound: 'at most',
    limit: 0.05,
    unit: 'ms',
  },
  {
    title: 'first byte of a stream',
    work: 'events',
    measure: 'firstByte',
    how: 'difference',
    bound: 'at most',
    limit: 0,
    unit: 'ms',
  },
  {
    title: '100 busy streams, CPU per event',
    work: 'busy',
    measure: 'cpuMicrosecondsPerEvent',
    how: 'ratio',
    bound: 'at most',
    limit: 0.85,
    unit: '',
  },
  {
    title: 'p50, request of 1 MB',
    work: 'upload1',
    measure: 'p50',
    how: 'ratio',
    bound: 'at most',
    limit: 1.2,
    unit: '',
  },
  {
    title: 'p50, request of 20 MB',
    work: 'upload20',
    measure: 'p50',
    how: 'ratio',
    bound: 'at most',
    limit: 1,
    unit: '',
  },
  {
    title: 'throughput, stream of 50 MB',
    work: 'flood',
    measure: 'megabytesPerSecond',
    how: 'ratio',
    bound: 'at least',
    limit: 0.93,
    unit: '',
  },
];

/** Whether all that is asked of a work is known so well, of each pair that is compared. */
export function isPrecise(
  samples: Samples,
  work: WorkName,
  pairs: readonly (readonly [ContenderName, ContenderName])[],
  precision: number,
): boolean {
  return WORK_LINES.filter((line) => line.work === work).every(({ measure, how }) =>
    pairs.every((pair) => (compare(samples, work, measure, pair, how)?.uncertainty ?? 0) <= precision),
  );
}
