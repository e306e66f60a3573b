import type { Clock } from '../clock.ts';
import { candidatesOf, type RegionCall } from './candidates.ts';
import { createHomes } from './homes.ts';
import { createRests } from './rests.ts';

/** A call, as far as it decides where it is made. */
export interface PlannedCall extends RegionCall {
  /** What stands before the region in the name of the service's endpoint. */
  readonly service: string;
  readonly subscriptionId?: string;
  /** Role in which it is made: the quotas of another account are others. */
  readonly roleArn?: string;
  /**
   * What further regions are for: to do the same `work`; to `find` what one of them keeps, the name of which does not tell
   * where; nothing, for what is `bound` to a region.
   */
  readonly kind: 'work' | 'find' | 'bound';
}

/** Where a call is made. It is told what became of it there. */
export interface RegionPlan {
  /** Regions in the order in which they are asked, each only when those before it cannot have worked. */
  readonly order: readonly string[];
  /**
   * The region whose place the others take while it rests: it is asked when it turns out that they do not have what the
   * call names.
   */
  readonly awayFrom?: string;
  /** Whether a region that does not know what is called (404) is followed by the next. */
  readonly finds: boolean;
  /** Has refused to work, without doing anything. */
  refused(region: string, retryAfterMs?: number): void;
  /** Has refused, in the place of another, what was asked for: it does not have it, or the call is wrong. */
  notHere(region: string, retryAfterMs?: number): void;
  /** There is no connection to it. */
  unreachable(region: string): void;
  /** Has begun to answer. */
  served(region: string): void;
}

/** @throws ProxyError as `candidatesOf` does */
export type PlanRegions = (call: PlannedCall) => RegionPlan;

const MOST_RESTS = 1000;

/** As many as subscriptions that stay. */
const MOST_ABSENCES = 10_000;

/** @param regions the app's, the first one first */
export function createPlanner(regions: readonly string[], clock: Clock): PlanRegions {
  const rests = createRests(clock, MOST_RESTS);
  // Bedrock's answers do not tell a model that is missing from a call that is wrong. What may be the fault of a caller
  // must make a region rest for nobody else, and must not push out what is known of regions.
  const absences = createRests(clock, MOST_ABSENCES);
  const homes = createHomes(clock);

  return (call) => {
    const { service, subscriptionId = '', roleArn = '', model = '', kind } = call;
    const candidates = candidatesOf(call, regions);
    if (regions.length === 1) return { order: candidates, ...NOTHING_TO_LEARN };
    const [first = ''] = candidates;
    const homeKey = JSON.stringify([subscriptionId, service, model, first]);
    const moved = homes.of(homeKey);
    const home = moved !== undefined && candidates.includes(moved) ? moved : first;
    const keysOf = (region: string) => [
      JSON.stringify([service, region]),
      JSON.stringify([service, region, roleArn, model]),
    ];
    const absenceKey = (region: string) => JSON.stringify([service, region, roleArn, model, subscriptionId]);
    const restMs = (region: string) =>
      Math.max(...keysOf(region).map(rests.remainingMs), absences.remainingMs(absenceKey(region)));

    const all = [home, ...candidates.filter((region) => region !== home)];
    const order = kind === 'work' ? awakeOf(all, restMs) : kind === 'find' ? all : [first];
    const refusedHere = new Set<string>();
    const refuse = (region: string, key = '', retryAfterMs?: number) => {
      refusedHere.add(region);
      rests.refused(key, retryAfterMs);
    };
    return {
      order,
      ...(kind === 'work' && order[0] !== home && { awayFrom: home }),
      finds: kind === 'find',
      refused: (region, retryAfterMs) => refuse(region, keysOf(region)[1], retryAfterMs),
      notHere: (region, retryAfterMs) => absences.refused(absenceKey(region), retryAfterMs),
      unreachable: (region) => refuse(region, keysOf(region)[0]),
      served(region) {
        keysOf(region).forEach(rests.served);
        absences.served(absenceKey(region));
        if (region === first) homes.leave(homeKey);
        // Away from a home that only rests, nobody moves.
        else if (region === home || refusedHere.has(home)) homes.move(homeKey, region);
      },
    };
  };
}

/** With one region. */
const NOTHING_TO_LEARN = {
  finds: false,
  refused: () => {},
  notHere: () => {},
  unreachable: () => {},
  served: () => {},
};

/** Those that do not rest; where all do, the one whose rest ends first. */
function awakeOf(regions: readonly string[], restMs: (region: string) => number): readonly string[] {
  const awake = regions.filter((region) => restMs(region) === 0);
  if (awake.length > 0) return awake;
  return regions.toSorted((one, other) => restMs(one) - restMs(other)).slice(0, 1);
}
