import type { Clock } from '../clock.ts';
import { type EndpointOptions, originOf } from './endpoint.ts';
import { createSigner, type Sign } from './signer.ts';
import { createUpstream, type Upstream, type UpstreamLimits } from './upstream.ts';

/** One service of AWS in one region: what its calls are signed and sent with. */
export interface Target {
  readonly region: string;
  readonly origin: string;
  readonly sign: Sign;
  readonly upstream: Upstream;
}

/** What of a service decides where and how it is called. */
export interface TargetService {
  /** What stands before the region in the name of its endpoint. */
  readonly hostPrefix: string;
  /** It has the domain of AWS's dual-stack endpoints, and no other. */
  readonly dualStack?: boolean;
  /** Its name in the scope of a signature. */
  readonly signingName: string;
}

export interface Targets {
  /**
   * A service in one of the regions; the same object each time, made when it is first asked for. There are no more of
   * them, and of their pools, than services times regions.
   *
   * @throws Error for another region, or for one in which the service has no address: neither gets past the settings
   */
  of(service: TargetService, region: string): Target;
  /** Ends all connections, with what goes over them. */
  close(): Promise<void>;
}

export interface TargetsOptions {
  readonly regions: readonly string[];
  readonly endpoints: EndpointOptions;
  readonly limits: UpstreamLimits;
  /** AWS's time, in milliseconds since 1970. */
  readonly now?: () => number;
  readonly clock?: Clock;
}

export function createTargets({ regions, endpoints, limits, now, clock }: TargetsOptions): Targets {
  const made = new Map<string, Target>();

  const make = ({ hostPrefix, dualStack, signingName }: TargetService, region: string): Target => {
    const origin = regions.includes(region) ? originOf(hostPrefix, region, endpoints, dualStack) : undefined;
    if (origin === undefined) throw new Error(`There is no ${hostPrefix} in this region.`);
    return {
      region,
      origin,
      sign: createSigner(signingName, region, origin, now),
      upstream: createUpstream(origin, limits, clock),
    };
  };

  return {
    of(service, region) {
      const key = `${service.hostPrefix} ${region}`;
      let target = made.get(key);
      if (target === undefined) {
        target = make(service, region);
        made.set(key, target);
      }
      return target;
    },
    async close() {
      await Promise.all(Array.from(made.values(), ({ upstream }) => upstream.close()));
    },
  };
}
