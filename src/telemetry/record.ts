import type { TokenCounts } from '../bedrock/usage-counts.ts';
import type { Usage } from '../bedrock/usage.ts';

/** One per request. What is not known is absent. */
export interface RequestRecord extends TokenCounts {
  readonly event: 'bedrock.request';
  /** Start of the invocation, ISO 8601. */
  readonly time: string;
  /** Invocation id of the Functions host. */
  readonly requestId: string;
  readonly region: string;
  bedrockRequestId?: string;
  gatewayRequestId?: string;
  subscriptionId?: string;
  subscriptionName?: string;
  productId?: string;
  userId?: string;
  operation?: string;
  /** As asked, decoded. */
  modelId?: string;
  status?: number;
  errorType?: string;
  /** Whose error it was. */
  errorSource?: ErrorSource;
  streamed?: boolean;
  outcome?: Outcome;
  /** What CountTokens answered: nothing was used. */
  countedInputTokens?: number;
  usageSource?: NonNullable<Usage['source']>;
  /** Why nothing is known of the tokens. */
  usageUnknown?: string;
  /** The answer was cut: more tokens may have been used. */
  usagePartial?: true;
  requestBytes?: number;
  responseBytes?: number;
  /** Milliseconds from the start of the invocation to Bedrock's headers. */
  headersMs?: number;
  /** Milliseconds to the first byte of the answer handed to the host. */
  firstByteMs?: number;
  /** Milliseconds to the first piece of content in a stream. */
  firstTokenMs?: number;
  /** Milliseconds to the end of the answer. */
  durationMs?: number;
  /** Requests sent to Bedrock. */
  attempts?: number;
  credentialsRefreshed?: boolean;
}

export type ErrorSource = 'client' | 'proxy' | 'bedrock';
export type Outcome = 'complete' | 'refused' | 'clientClosed' | 'upstreamBroke' | 'timedOut';
