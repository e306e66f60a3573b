import { fileURLToPath } from 'node:url';

import { type ManagedIdentity, startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { startTableStorage, type TableStorage } from '../emulators/azure/table-storage.ts';
import { type BedrockEmulator, startBedrock } from '../emulators/bedrock/bedrock.ts';
import { newKey } from '../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';

/** Instances of the app over one table. */
export interface Fleet extends AsyncDisposable {
  readonly bedrock: BedrockEmulator;
  readonly identity: ManagedIdentity;
  readonly storage: TableStorage;
  readonly hosts: readonly FunctionsHost[];
}

export interface FleetOptions {
  readonly workers: number;
  /** App settings on top of what is needed. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Difference of all clocks from that of the machine, in milliseconds. */
  readonly offsetMs?: number;
  /** By how much the clock of each worker is wrong, in milliseconds. */
  readonly skewMs?: (worker: number) => number;
}

/** Moves the clock of a process; takes the difference from its environment. */
const SHIFTED = fileURLToPath(new URL('./shifted-date.ts', import.meta.url));

export async function startFleet({ workers, settings, offsetMs = 0, skewMs = () => 0 }: FleetOptions): Promise<Fleet> {
  const key = newKey();
  const clock = () => Date.now() + offsetMs;
  const bedrock = await startBedrock({ keys: [key], clock: () => new Date(clock()) });
  const identity = await startManagedIdentity();
  const storage = await startTableStorage({ identity, clock });
  const start = (worker: number) =>
    startFunctionsHost({
      environment: {
        AWS_REGION: bedrock.region,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
        AWS_ACCESS_KEY_ID: key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
        BUDGET_TABLE_URI: storage.tableUrl,
        DATE_OFFSET_MS: String(offsetMs + skewMs(worker)),
        ...identity.environment,
        ...settings,
      },
      nodeArguments: [`--import=${SHIFTED}`],
    });
  const hosts: FunctionsHost[] = [];
  // Two at a time: each start is a second of a processor.
  for (let worker = 0; worker < workers; worker += 2) {
    const numbers = [worker, worker + 1].filter((number) => number < workers);
    hosts.push(...(await Promise.all(numbers.map(start))));
  }
  return {
    bedrock,
    identity,
    storage,
    hosts,
    async [Symbol.asyncDispose]() {
      await Promise.all(hosts.map((host) => host.stop()));
      await Promise.all([bedrock.close(), identity.close(), storage.close()]);
    },
  };
}
