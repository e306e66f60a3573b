import { afterAll, afterEach, beforeAll, expect } from 'vitest';

import { startEchoBackend, type EchoBackend, type ReceivedRequest } from './echo-backend.ts';
import { startGateway, type Gateway, type GatewayOptions } from './gateway.ts';
import { send, type RawRequest, type RawResponse } from './send.ts';

export const CONVERSE = '/model/amazon.nova-lite-v1:0/converse';

/** Form of request ids. */
export const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A subscription to a product, with an owner. */
export const TEAM = { id: 'team-a', name: 'Équipe α', key: 'key-of-team-a', productId: 'gold', userId: 'ada' };

/** A subscription to the API itself, without an owner. */
export const NAMELESS = { id: 'service', key: 'key-of-service', secondaryKey: 'second-key-of-service' };

/** A backend, and the gateways of one test in front of it. */
export interface Harness {
  readonly backend: EchoBackend;
  /** Milliseconds since 1970 at its gateways: time stands still, but where a test sets it. */
  time: number;
  /** A gateway with the two subscriptions above and an identity whose token is `token-for-` and the resource. */
  start(options?: Partial<GatewayOptions>): Promise<Gateway>;
}

/**
 * Sets up the suite that calls it: one backend for all of its tests, and after each test its gateways are closed, which
 * fails when one of them met what it does not know.
 */
export function useHarness(): Harness {
  let backend: EchoBackend;
  const gateways: Gateway[] = [];
  beforeAll(async () => {
    backend = await startEchoBackend();
  });
  afterEach(async () => {
    await Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
  });
  afterAll(() => backend.close());
  const harness: Harness = {
    time: Date.now(),
    get backend() {
      return backend;
    },
    async start(options = {}) {
      const gateway = await startGateway({
        backendUrl: backend.url,
        now: () => harness.time,
        subscriptions: [TEAM, NAMELESS],
        managedIdentityToken: async (resource) => `token-for-${resource}`,
        ...options,
      });
      gateways.push(gateway);
      return gateway;
    },
  };
  return harness;
}

/** Sends a request below the API's path: with the key of TEAM unless it brings headers, to CONVERSE unless it says. */
export function call(gateway: Gateway, request: Partial<RawRequest> = {}): Promise<RawResponse> {
  const headers = request.headers ?? { 'api-key': TEAM.key };
  return send(gateway.origin, { ...request, headers, target: `/bedrock${request.target ?? CONVERSE}` });
}

/** What a failure must look like for an AWS SDK to raise its typed exception. */
export function awsError(status: number, errorType: string, message: string): RawResponse {
  return {
    status,
    body: JSON.stringify({ message }),
    headers: expect.objectContaining({
      'content-type': 'application/json',
      'x-amzn-errortype': errorType,
      'x-amzn-requestid': expect.stringMatching(UUID),
      'x-should-retry': String(status === 429 || status === 503),
    }),
  };
}

/** A policy of a product that does one thing. */
export function productPolicy(inbound: string): string {
  const inherited = '<backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error>';
  return `<policies><inbound><base />${inbound}</inbound>${inherited}</policies>`;
}

/** A policy of all APIs that does little more than the initial one. */
export function globalPolicy({ inbound = '', outbound = '', onError = '' }): string {
  const sections = `<inbound>${inbound}</inbound><backend><forward-request /></backend><outbound>${outbound}</outbound>`;
  return `<policies>${sections}<on-error>${onError}</on-error></policies>`;
}

/** The newest request at the backend. */
export function lastReceived({ backend }: Harness): ReceivedRequest {
  const received = backend.requests.at(-1);
  if (received === undefined) throw new Error('nothing arrived at the backend');
  return received;
}
