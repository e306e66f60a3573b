import { join } from 'node:path';

import { root } from '../../support/root.ts';
import { type BedrockEmulator, type BedrockOptions, startBedrock } from './bedrock.ts';

/** A service of Bedrock in each of several regions, with a port of its own. */
export interface RegionalBedrocks {
  readonly all: readonly BedrockEmulator[];
  /** Value of the service's setting that leads there. */
  readonly endpoint: string;
  /** Names of its hosts and their ports, for `REGIONAL_HOSTS`. */
  readonly hosts: readonly string[];
  close(): Promise<void>;
}

/** Options of Node with which a worker finds the hosts by their names. */
export const BY_NAME: readonly string[] = ['--require', join(root, 'test/support/regional-hosts.cjs')];

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
  const { service = 'bedrock-runtime' } = options;
  const all = await Promise.all(regions.map((region) => startBedrock({ ...options, region })));
  const portOf = ({ region, url }: BedrockEmulator) => (unreachable.includes(region) ? NOBODY : new URL(url).port);
  return {
    all,
    endpoint: regions.length > 1 ? `http://${service}.{region}.localhost:80` : (all[0]?.url ?? ''),
    hosts: all.map((bedrock) => `${service}.${bedrock.region}.localhost=${portOf(bedrock)}`),
    async close() {
      await Promise.all(all.map((bedrock) => bedrock.close()));
    },
  };
}
