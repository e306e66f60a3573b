import { join } from 'node:path';

import { root } from '../../support/root.ts';
import { type BedrockEmulator, type BedrockOptions, startBedrock } from './bedrock.ts';

/** A Bedrock in each of several regions, with a port of its own. */
export interface RegionalBedrocks {
  readonly all: readonly BedrockEmulator[];
  /** App settings that lead there. */
  readonly settings: Readonly<Record<string, string>>;
  /** Options of Node with which a worker finds them by their names. */
  readonly nodeArguments: readonly string[];
  close(): Promise<void>;
}

/** Where nobody listens: a port that was free a moment ago may be another program's by now. */
const NOBODY = '1';

/**
 * @param regions the first one first
 * @param unreachable those of them to which there is no connection
 */
export async function startRegions(
  regions: readonly string[],
  unreachable: readonly string[],
  options: Omit<BedrockOptions, 'region' | 'port'>,
): Promise<RegionalBedrocks> {
  const all = await Promise.all(regions.map((region) => startBedrock({ ...options, region })));
  const portOf = ({ region, url }: BedrockEmulator) => (unreachable.includes(region) ? NOBODY : new URL(url).port);
  const hosts = all.map((bedrock) => `bedrock.${bedrock.region}.localhost=${portOf(bedrock)}`);
  return {
    all,
    settings: {
      AWS_REGION: regions[0] ?? '',
      AWS_REGIONS: regions.slice(1).join(','),
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://bedrock.{region}.localhost:80',
      REGIONAL_HOSTS: hosts.join(','),
    },
    nodeArguments: ['--require', join(root, 'test/support/regional-hosts.cjs')],
    async close() {
      await Promise.all(all.map((bedrock) => bedrock.close()));
    },
  };
}
