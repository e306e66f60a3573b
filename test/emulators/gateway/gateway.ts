import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { listen } from '../../support/listen.ts';
import { answer } from './answer.ts';
import { isPreflight } from './cors.ts';
import type { PolicyResponse, RequestRecord, Subscription } from './exchange.ts';
import { newExchange } from './new-exchange.ts';
import { BEDROCK_OPERATIONS, findOperation, operationNotFound, type Operation } from './operations.ts';
import { defaultResponse, runPipeline } from './pipeline.ts';
import { compilePolicies, type CallerAuth } from './policies.ts';
import type { ManagedIdentityToken } from './statement.ts';
import { findSubscription, type KeyRules } from './subscription-key.ts';

export type { Operation, Subscription };

export interface GatewayOptions {
  /** Base URL of the backend `bedrock-proxy`: the Functions host; of several instances, those that take turns. */
  readonly backendUrl: string | readonly string[];
  /** File of the API's policy; default the one that is deployed. */
  readonly policy?: string;
  /** Text of the policies of the scopes around the API; default API Management's own, which forwards buffered. */
  readonly globalPolicy?: string;
  readonly productPolicy?: string;
  /** Suffix of the API's URL; default `/bedrock`. */
  readonly path?: string;
  /** Default: one without product and user. */
  readonly subscriptions?: readonly Subscription[];
  /** Default: a key is required, in the header or query parameter `api-key` or as bearer token. */
  readonly keys?: Partial<KeyRules>;
  /** Added to those of the deployment: an audience, and a limit of 26,214,400 bytes. */
  readonly namedValues?: Readonly<Record<string, string>>;
  /** Absent: the instance has no identity. */
  readonly managedIdentityToken?: ManagedIdentityToken;
  /** How the function knows its caller, as the deployment's parameter; default `entra`. */
  readonly callerAuth?: CallerAuth;
  /** Headers in the credentials of the backend entity, for instance `x-functions-key`. */
  readonly backendHeaders?: Readonly<Record<string, string>>;
  /** Whether `%2F` in a path becomes `/`; both are reported of API Management. Default true. */
  readonly decodeSlashes?: boolean;
  readonly operations?: readonly Operation[];
  /** Whether control characters in headers get as far as the policy: not known of API Management. Default false. */
  readonly lenientParser?: boolean;
  /** Milliseconds since 1970, by which limits of calls and of tokens count; default `Date.now`. */
  readonly now?: () => number;
  /** Default 0: any free port. */
  readonly port?: number;
  /** How many requests are kept to be looked at, at least half of it the latest; default 20,000. */
  readonly mostRequests?: number;
  /** Told of each request that is forwarded, before the backend can have heard of it. */
  readonly onForward?: (request: GatewayRequest) => void;
  /** Told of each answer as it is about to go to a client that is still there. */
  readonly onAnswer?: (request: GatewayRequest, answer: Readonly<PolicyResponse>) => void;
}

/** A request as the client sent it, and as it was forwarded, if it was. */
export type GatewayRequest = Readonly<RequestRecord>;

export interface Gateway {
  /** What a client takes for the endpoint: origin and suffix. */
  readonly url: string;
  readonly origin: string;
  readonly port: number;
  /** Key of the first subscription. */
  readonly subscriptionKey: string;
  readonly subscriptions: readonly Subscription[];
  /** In the order of arrival; the latest, as `mostRequests` says. */
  readonly requests: readonly GatewayRequest[];
  /** Rejects when a request met something in the policy that the emulator does not know. */
  close(): Promise<void>;
}

const BEDROCK_POLICY = new URL('../../../infra/gateway/policies/bedrock.xml', import.meta.url);

/**
 * Stands for API Management: an HTTP/1.1 server that checks subscription keys, runs the policy file that is deployed,
 * and streams to the backend.
 *
 * @throws UnsupportedPolicyError or SyntaxError for a policy that it cannot run
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const suffix = options.path ?? '/bedrock';
  const subscriptions = options.subscriptions ?? [{ id: 'default', name: 'Default', key: randomUUID() }];
  const operations = options.operations ?? BEDROCK_OPERATIONS;
  const { mostRequests = 20_000, onForward = () => {}, onAnswer } = options;
  const keys = { required: true, header: 'api-key', query: 'api-key', bearer: true, ...options.keys };
  const nextUrl = inTurn([options.backendUrl].flat());
  const policies = compilePolicies({
    api: await readFile(options.policy ?? BEDROCK_POLICY, 'utf8'),
    callerAuth: options.callerAuth ?? 'entra',
    globalPolicy: options.globalPolicy,
    productPolicy: options.productPolicy,
    namedValues: {
      'bedrock-proxy-audience': 'api://bedrock-proxy',
      'bedrock-max-request-bytes': '26214400',
      ...options.namedValues,
    },
    environment: {
      backends: {
        'bedrock-proxy': {
          get url() {
            return nextUrl();
          },
          headers: options.backendHeaders ?? {},
        },
      },
      managedIdentityToken: options.managedIdentityToken,
      now: options.now ?? Date.now,
    },
  });
  const requests: GatewayRequest[] = [];
  const failures: unknown[] = [];

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const target = incoming.url ?? '';
    const exchange = newExchange(incoming, outgoing, suffix, options.decodeSlashes ?? true, onForward);
    const { method, path, headers, query } = exchange.request;
    requests.push(exchange.record);
    if (requests.length > mostRequests) requests.splice(0, requests.length - Math.floor(mostRequests / 2));
    if (isPreflight(exchange.request) && policies.preflight !== undefined) {
      await policies.preflight(exchange);
    } else if (target.startsWith(`${suffix}/`)) {
      await runPipeline(policies, exchange, () => {
        exchange.operation = findOperation(operations, method, path);
        exchange.subscription = findSubscription(subscriptions, keys, headers, query);
      });
    } else {
      // No API at this path, hence no policy of it.
      exchange.response = defaultResponse(operationNotFound(), exchange.requestId);
    }
    if (!exchange.clientGone.aborted) onAnswer?.(exchange.record, exchange.response);
    await answer(exchange, outgoing);
  }

  const insecureHTTPParser = options.lenientParser ?? false;
  // Longer than any client pauses before it repeats a call.
  const server = createServer({ insecureHTTPParser, keepAliveTimeout: 120_000 }, (incoming, outgoing) => {
    handle(incoming, outgoing).catch((error: unknown) => {
      failures.push(error);
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500, { 'content-type': 'text/plain' }).end(`gateway emulator: ${String(error)}`);
    });
  });
  const { url: origin, port, close } = await listen(server, options.port);
  return {
    url: origin + suffix,
    origin,
    port,
    subscriptionKey: subscriptions[0]?.key ?? '',
    subscriptions,
    requests,
    async close() {
      await close();
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}

function inTurn(urls: readonly string[]): () => string {
  let turn = 0;
  return () => urls[turn++ % urls.length] ?? '';
}
