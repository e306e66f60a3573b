import type { StreamCost } from './held-streams.ts';
import { compare, compareStarts, compareTeams, type Measured, valuesOf } from './results.ts';
import { worstOf } from './stalls.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** What the proxy is to reach, and what it has. */
export interface Target {
  readonly title: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: string;
  /** Undefined when it could not be measured. */
  readonly measured: Spread | undefined;
}

export function isMet({ bound, limit, measured }: Target): boolean | undefined {
  if (measured === undefined) return undefined;
  return bound === 'at least' ? measured.median >= limit : measured.median <= limit;
}

const OURS_AND_FLOOR = ['ours', 'floor'] as const;

/** Resident memory, or the heap where that is more: streams may also fill memory that the process had before and left unused. */
function memoryOf({ residentKilobytes, heapKilobytes = 0 }: StreamCost): number {
  return Math.max(residentKilobytes, heapKilobytes);
}

function ratio(
  costs: ReadonlyMap<string, readonly StreamCost[]> | undefined,
  measure: (cost: StreamCost) => number | undefined,
): Spread | undefined {
  const floor = costs?.get('floor') ?? [];
  const ratios = (costs?.get('ours') ?? []).flatMap((cost, round) => {
    const [one, other] = [cost, floor[round]].map((each) => each && measure(each));
    return one === undefined || other === undefined ? [] : [one / other];
  });
  return spreadOf(ratios);
}

/** Ratios and differences are taken round by round: absolute times say more about the machine than about the proxy. */
export function targetsOf({
  samples,
  streamCosts,
  starts,
  stalls,
  teams,
  uploadMemory,
  bundleBytes,
}: Measured): readonly Target[] {
  return [
    {
      title: 'throughput, small Converse, 20 at a time: ours / floor',
      bound: 'at least',
      limit: 0.97,
      unit: '',
      measured: compare(samples, 'small20', 'requestsPerSecond', OURS_AND_FLOOR, 'ratio'),
    },
    {
      title: 'CPU per request, small Converse, 20 at a time: ours − floor',
      bound: 'at most',
      limit: 15,
      unit: 'µs',
      measured: compare(samples, 'small20', 'cpuMicrosecondsPerRequest', OURS_AND_FLOOR, 'difference'),
    },
    {
      title: 'p50, small Converse, 1 at a time: ours − floor',
      bound: 'at most',
      limit: 0.05,
      unit: 'ms',
      measured: compare(samples, 'small1', 'p50', OURS_AND_FLOOR, 'difference'),
    },
    {
      title: 'first byte of a stream: ours − floor',
      bound: 'at most',
      limit: 0,
      unit: 'ms',
      measured: compare(samples, 'events', 'firstByte', OURS_AND_FLOOR, 'difference'),
    },
    {
      title: 'p50, request of 1 MB: ours / floor',
      bound: 'at most',
      limit: 1.2,
      unit: '',
      measured: compare(samples, 'upload1', 'p50', OURS_AND_FLOOR, 'ratio'),
    },
    {
      title: 'p50, request of 20 MB: ours / floor',
      bound: 'at most',
      limit: 1,
      unit: '',
      measured: compare(samples, 'upload20', 'p50', OURS_AND_FLOOR, 'ratio'),
    },
    {
      title: 'most memory for a request of 20 MB / its size',
      bound: 'at most',
      limit: 1.2,
      unit: '',
      measured: spreadOf(uploadMemory.ours),
    },
    {
      title: 'throughput, stream of 50 MB: ours / floor',
      bound: 'at least',
      limit: 0.93,
      unit: '',
      measured: compare(samples, 'flood', 'megabytesPerSecond', OURS_AND_FLOOR, 'ratio'),
    },
    {
      title: 'CPU per request of sessions: 200 subscriptions − 1',
      bound: 'at most',
      limit: 5,
      unit: 'µs',
      measured: compareTeams(teams, 'cpuMicrosecondsPerRequest', ['many', 'one']),
    },
    {
      title: 'CPU per request: 200 subscriptions, sessions, budgets, Entra − plain',
      bound: 'at most',
      limit: 10,
      unit: 'µs',
      measured: compareTeams(teams, 'cpuMicrosecondsPerRequest', ['deployed', 'plain']),
    },
    {
      title: 'calls of STS for a session in its hour',
      bound: 'at most',
      limit: 1,
      unit: '',
      measured: spreadOf([teams.stsCallsPerSession]),
    },
    {
      title: '100 busy streams, CPU per event: ours / floor',
      bound: 'at most',
      limit: 0.85,
      unit: '',
      measured: ratio(streamCosts.get('busy'), ({ cpuMicrosecondsPerEvent }) => cpuMicrosecondsPerEvent),
    },
    {
      title: '500 slow streams, memory: ours / floor',
      bound: 'at most',
      limit: 1,
      unit: '',
      measured: ratio(streamCosts.get('slow'), memoryOf),
    },
    {
      title: '500 slow streams: memory per stream',
      bound: 'at most',
      limit: 64,
      unit: 'KB',
      measured: spreadOf((streamCosts.get('slow')?.get('ours') ?? []).map(memoryOf)),
    },
    {
      title: 'process start to function registered',
      bound: 'at most',
      limit: 60,
      unit: 'ms',
      measured: spreadOf(valuesOf(starts.get('environment') ?? [], 'registered')),
    },
    {
      title: 'first call after a cold start with Key Vault: ours − floor',
      bound: 'at most',
      limit: 20,
      unit: 'ms',
      measured: compareStarts(starts, ['vault', 'floor']),
    },
    {
      title: 'event loop stall, worst head of 8 KB',
      bound: 'at most',
      limit: 2,
      unit: 'ms',
      measured: spreadOf(worstOf(stalls, 'head')),
    },
    {
      title: 'event loop stall, worst body, for a megabyte',
      bound: 'at most',
      limit: 5,
      unit: 'ms',
      measured: spreadOf(worstOf(stalls, 'body')),
    },
    {
      title: 'main bundle, minified',
      bound: 'at most',
      limit: 500,
      unit: 'KB',
      measured: spreadOf([bundleBytes / 1000]),
    },
    {
      title: 'requests per second, 20 at a time: ours with the host / Portkey without it',
      bound: 'at least',
      limit: 2,
      unit: '',
      measured: compare(samples, 'small20', 'requestsPerSecond', ['ours', 'portkey'], 'ratio'),
    },
  ];
}
