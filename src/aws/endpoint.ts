import { partition } from '@aws-sdk/util-endpoints';

/** Where services are called. */
export interface EndpointOptions {
  readonly useFips: boolean;
  /**
   * Origins that take the place of AWS's, by what the name of the service's endpoint begins with; `{region}` in one
   * stands for the region.
   */
  readonly overrides: Readonly<Record<string, string>>;
}

/**
 * The origin at which a service is called in a region, for instance `https://bedrock-runtime-fips.us-east-1.amazonaws.com`.
 *
 * @param hostPrefix what stands before the region, for instance `bedrock-runtime`
 * @param dualStack the service has the domain of AWS's dual-stack endpoints (`api.aws`), and no other
 * @returns undefined for a region that AWS's table does not know, unless the service has an address of its own
 */
export function originOf(
  hostPrefix: string,
  region: string,
  { useFips, overrides }: EndpointOptions,
  dualStack = false,
): string | undefined {
  const override = overrides[hostPrefix];
  if (override !== undefined) return override.replaceAll('{region}', region);
  return serviceOrigin(useFips ? `${hostPrefix}-fips` : hostPrefix, region, dualStack);
}

/** The partition of a region, whose keys are good in no other: `aws`, `aws-cn`, `aws-us-gov` … */
export function partitionOf(region: string): string {
  return partition(region).name;
}

/**
 * The origin that AWS has for a service in a region, for instance `https://bedrock-runtime.eu-central-1.amazonaws.com`.
 *
 * The DNS suffix comes from the AWS partition table that the AWS SDKs ship. The table answers with the suffix of the
 * `aws` partition for a name it does not know; that would turn a misspelt region into a DNS failure at the first
 * request, so only regions that it lists, or that match the pattern of another partition, are accepted.
 *
 * @param hostPrefix what stands before the region, for instance `bedrock-runtime`
 * @returns undefined for a region that the table does not know
 */
export function serviceOrigin(hostPrefix: string, region: string, dualStack = false): string | undefined {
  const resolved = partition(region);
  // A listed region carries its description; one that only matched a partition's pattern, or nothing, does not.
  if (!('description' in resolved) && resolved.name === 'aws') return undefined;
  return `https://${hostPrefix}.${region}.${dualStack ? resolved.dualStackDnsSuffix : resolved.dnsSuffix}`;
}
