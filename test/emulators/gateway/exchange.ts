import type { IncomingMessage } from 'node:http';

import type { PolicyError } from './errors.ts';
import type { Value } from './expression-values.ts';
import type { HeaderList } from './header-list.ts';
import type { Operation } from './operations.ts';

/** A subscription of the API Management instance. */
export interface Subscription {
  readonly id: string;
  /** Display name; a subscription without an owner need not have one. */
  readonly name?: string;
  readonly key: string;
  readonly secondaryKey?: string;
  /** Absent for a subscription to the API itself or to all APIs: product policies do not run for it. */
  readonly productId?: string;
  /** Absent for a subscription without an owner. */
  readonly userId?: string;
}

/** The request as the policy shapes it for the backend. */
export interface PolicyRequest {
  readonly method: string;
  /** Path for the backend: without the API's suffix, percent-encoded as received. */
  readonly path: string;
  /** Query without the question mark. */
  query: string;
  headers: HeaderList;
  readonly ipAddress: string;
}

/** `context.Response`. */
export interface PolicyResponse {
  status: number;
  reason: string;
  headers: HeaderList;
  /** Text made by the pipeline, or what the backend sends. */
  body: string | NodeJS.ReadableStream;
}

/** A request as it went over the wire. */
export interface SentRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Names and values alternating, as in Node's `rawHeaders`. */
  readonly rawHeaders: readonly string[];
}

/** What stays known of a request. */
export interface RequestRecord extends SentRequest {
  /** What was sent to the backend, once it was. */
  forwarded: SentRequest | undefined;
}

/** One request on its way through the pipeline. */
export interface Exchange {
  readonly requestId: string;
  readonly incoming: IncomingMessage;
  readonly request: PolicyRequest;
  response: PolicyResponse;
  /** For whatever response there will be (`cors`). */
  addedHeaders: HeaderList;
  readonly variables: Map<string, Value>;
  /** Absent until one is found. */
  operation: Operation | undefined;
  subscription: Subscription | undefined;
  /** Base URL of the chosen backend. */
  backend: string | undefined;
  lastError: PolicyError | undefined;
  /** What waits for the end of the outbound section. */
  readonly afterOutbound: (() => void)[];
  /** Keys of the quotas that this request has counted for. */
  readonly quotasCounted: Set<string>;
  readonly record: RequestRecord;
  /** Told of the record when the request is about to be forwarded. */
  readonly onForward: (record: Readonly<RequestRecord>) => void;
  /** Aborted when the client is gone. */
  readonly clientGone: AbortSignal;
}

/** What the pipeline does after a statement: go on, or end with the response as it is (`return-response`). */
export type Outcome = 'continue' | 'finished';

/** A compiled statement. */
export type Step = (exchange: Exchange) => Outcome | Promise<Outcome>;

/** Runs statements in order until one of them ends the pipeline. */
export async function runSteps(steps: readonly Step[], exchange: Exchange): Promise<Outcome> {
  for (const step of steps) {
    if ((await step(exchange)) === 'finished') return 'finished';
  }
  return 'continue';
}
