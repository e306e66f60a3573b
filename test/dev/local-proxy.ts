import { startChain } from '../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { type Gateway, startGateway } from '../emulators/gateway/gateway.ts';
import type { Target } from './environment.ts';
import { REFUSE_ORIGINS } from './origin-policy.ts';

/** Gateway, Functions host and function on 127.0.0.1, before an emulated or the real Bedrock. */
export interface LocalProxy {
  readonly gateway: Gateway;
  readonly host: FunctionsHost;
  readonly region: string;
  close(): Promise<void>;
}

/** Enough to see an answer of the emulator stream. */
const EVENT_DELAY_MS = 100;

/** Rejects when the port is taken. */
export async function startLocalProxy(target: Target, port: number): Promise<LocalProxy> {
  if (target.bedrock === 'emulated') {
    const chain = await startChain({ gatewayPort: port, globalPolicy: REFUSE_ORIGINS, eventDelayMs: EVENT_DELAY_MS });
    // It keeps requests for tests to look at; here nobody does, and they would only grow.
    chain.bedrock.onRequest(chain.bedrock.reset);
    return { gateway: chain.gateway, host: chain.host, region: chain.bedrock.region, close: chain.close };
  }
  const host = await startFunctionsHost({ environment: target.settings });
  const gateway = await startGateway({
    backendUrl: host.url,
    callerAuth: 'functionKey',
    backendHeaders: { 'x-functions-key': host.functionKey },
    globalPolicy: REFUSE_ORIGINS,
    port,
  });
  return {
    gateway,
    host,
    region: target.region,
    async close() {
      await host.stop();
      await gateway.close();
    },
  };
}
