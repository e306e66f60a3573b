import type { Operation } from '../bedrock/service.ts';
import type { RequestRecord } from './record.ts';

/** W3C trace context of the span that the Functions host has for an invocation. */
export interface TraceContext {
  readonly traceParent?: string | undefined;
  readonly traceState?: string | undefined;
}

/** One request sent to Bedrock. Times in milliseconds from the start of the invocation. */
export interface Attempt {
  readonly method: Operation['method'];
  readonly region: string;
  /** Of the endpoint. */
  readonly origin: string;
  readonly startedMs: number;
  /** Arrival of the answer's headers; absent when none came. */
  headersMs?: number;
  status?: number;
  requestId?: string;
}

/** A request that is over, as metrics and spans are made from it. */
export interface FinishedRequest {
  readonly record: Readonly<RequestRecord>;
  /** The row of the operation; absent for a request that named none. */
  readonly operation?: Operation;
  /** Start of the invocation in milliseconds since the epoch. */
  readonly startedAt: number;
  /** In the order in which they were sent; none for a request that Bedrock never saw. */
  readonly attempts: readonly Attempt[];
  /** The one whose answer was passed on; absent where none was. */
  readonly answered?: Attempt;
  /** Milliseconds from the start of the invocation to the last byte of Bedrock's answer that was handed on. */
  readonly lastByteMs?: number;
  readonly trace?: TraceContext;
}

/** Takes a finished request. Never throws. */
export type Observe = (finished: FinishedRequest) => void;
