import { startChain } from '../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { type GatewayOptions, startGateway } from '../emulators/gateway/gateway.ts';
import { faultFor, LATE_SECONDS } from './emulated-models.ts';
import type { Target } from './environment.ts';
import { REFUSE_ORIGINS } from './origin-policy.ts';
import { startTlsFront } from './tls-front.ts';

/** Gateway, Functions host and function on 127.0.0.1, before an emulated or the real Bedrock. */
export interface LocalProxy {
  /** What a client takes for the endpoint. */
  readonly url: string;
  /** Subscription key. */
  readonly key: string;
  readonly host: FunctionsHost;
  readonly region: string;
  /** File of the certificate, where clients are served by TLS. */
  readonly certificate?: string;
  close(): Promise<void>;
}

export interface LocalProxyOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  /** TLS with HTTP/2 beside HTTP/1.1. */
  readonly https: boolean;
  readonly onForward: NonNullable<GatewayOptions['onForward']>;
  readonly onAnswer: NonNullable<GatewayOptions['onAnswer']>;
}

type Gateway = Pick<GatewayOptions, 'globalPolicy' | 'mostRequests' | 'onForward' | 'onAnswer'> & {
  readonly port: number;
};
type Running = Omit<LocalProxy, 'certificate'> & { readonly gatewayPort: number };

/** Enough to see an answer of the emulator stream. */
const EVENT_DELAY_MS = 100;

/** Rejects when the port is taken. */
export async function startLocalProxy(
  target: Target,
  { port, https, onForward, onAnswer }: LocalProxyOptions,
): Promise<LocalProxy> {
  const start = target.bedrock === 'emulated' ? startEmulated : startReal;
  // Here nobody looks at requests afterwards, and a gateway for development runs for days.
  const gateway = { globalPolicy: REFUSE_ORIGINS, mostRequests: 0, onForward, onAnswer, port: https ? 0 : port };
  const { gatewayPort, ...proxy } = await start(target, gateway);
  if (!https) return proxy;
  const front = await startTlsFront(gatewayPort, port).catch(async (error: unknown) => {
    await proxy.close();
    throw error;
  });
  return {
    ...proxy,
    url: front.origin + new URL(proxy.url).pathname,
    certificate: front.certificate,
    async close() {
      await front.close();
      await proxy.close();
    },
  };
}

async function startEmulated({ settings }: Target, { port, globalPolicy, ...gateway }: Gateway): Promise<Running> {
  const chain = await startChain({
    gatewayPort: port,
    ...(globalPolicy === undefined ? {} : { globalPolicy }),
    gateway,
    eventDelayMs: EVENT_DELAY_MS,
    settings: { UPSTREAM_HEADERS_TIMEOUT_SECONDS: String(LATE_SECONDS), ...settings },
  });
  const { bedrock } = chain;
  bedrock.onRequest((request) => {
    // It keeps requests for tests to look at, and they would only grow.
    bedrock.reset();
    const fault = faultFor(request);
    if (fault !== undefined) bedrock.answer(fault);
  });
  return {
    url: chain.gateway.url,
    key: chain.gateway.subscriptionKey,
    gatewayPort: chain.gateway.port,
    host: chain.host,
    region: bedrock.region,
    close: chain.close,
  };
}

async function startReal(target: Target, options: Gateway): Promise<Running> {
  const host = await startFunctionsHost({ environment: target.settings });
  const gateway = await startGateway({
    ...options,
    backendUrl: host.url,
    callerAuth: 'functionKey',
    backendHeaders: { 'x-functions-key': host.functionKey },
  });
  return {
    url: gateway.url,
    key: gateway.subscriptionKey,
    gatewayPort: gateway.port,
    host,
    region: target.settings['AWS_REGION'] ?? '',
    async close() {
      await host.stop();
      await gateway.close();
    },
  };
}
