import { partition } from '@aws-sdk/util-endpoints';

/**
 * The origin of a service of AWS in a region, for instance `https://bedrock-runtime.eu-central-1.amazonaws.com`.
 *
 * The DNS suffix comes from the AWS partition table that the AWS SDKs ship. The table answers with the suffix of the
 * `aws` partition for a name it does not know; that would turn a misspelt region into a DNS failure at the first
 * request, so only regions that it lists, or that match the pattern of another partition, are accepted.
 *
 * @param hostPrefix what stands before the region, for instance `bedrock-runtime`
 * @returns undefined for a region that the table does not know
 */
export function serviceOrigin(hostPrefix: string, region: string): string | undefined {
  const resolved = partition(region);
  // A listed region carries its description; one that only matched a partition's pattern, or nothing, does not.
  if (!('description' in resolved) && resolved.name === 'aws') return undefined;
  return `https://${hostPrefix}.${region}.${resolved.dnsSuffix}`;
}
