import type { Chain } from '../emulators/chain.ts';

/** What the workers hold. */
export interface Holdings {
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Connections to Bedrock, idle ones included. */
  readonly connections: number;
}

/** Of the workers together, garbage collected before. */
export async function holdingsOf({ hosts, endpoints }: Chain): Promise<Holdings> {
  const usages = await Promise.all(
    hosts.map(async (host) => {
      // The signal is handled some time after it was sent: by the third answer at the latest.
      process.kill(host.workerPid, 'SIGUSR2');
      for (let round = 0; round < 2; round += 1) await host.workerUsage();
      return host.workerUsage();
    }),
  );
  return {
    heapBytes: usages.reduce((sum, { heapUsed }) => sum + heapUsed, 0),
    residentBytes: usages.reduce((sum, { rss }) => sum + rss, 0),
    connections: connectionsOf({ endpoints }),
  };
}

export function connectionsOf({ endpoints }: Pick<Chain, 'endpoints'>): number {
  return endpoints.reduce((sum, { openConnections }) => sum + openConnections, 0);
}

/** The emulators keep every request, for tests to look at; ten minutes of them would fill the memory. */
export function forgetRequests({ endpoints, gateway }: Chain): void {
  for (const { requests } of endpoints) (requests as unknown[]).length = 0;
  (gateway.requests as unknown[]).length = 0;
}
