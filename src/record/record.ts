import type { OperationGroup } from '../bedrock/groups.ts';
import type { Admission } from '../budgets/admission.ts';
import type { GuardrailAction } from '../usage/answer-facts.ts';
import type { Usage } from '../usage/reading.ts';
import type { TokenUsage } from '../usage/token-usage.ts';

/** One per request. What is not known is absent. */
export interface RequestRecord extends TokenUsage {
  readonly event: 'bedrock.request';
  /** Start of the invocation, ISO 8601. */
  readonly time: string;
  /** Invocation id of the Functions host. */
  readonly requestId: string;
  /** Where the answer came from; without one, where it was asked for last, or would have been. */
  region: string;
  /** All regions that were asked, in that order, comma-separated; absent unless there were several. */
  regionsTried?: string;
  bedrockRequestId?: string;
  gatewayRequestId?: string;
  subscriptionId?: string;
  subscriptionName?: string;
  productId?: string;
  userId?: string;
  operation?: string;
  /** The operations that it belongs to, as the gateway allows them. */
  operationGroup?: OperationGroup;
  /** AWS account of the role that signed, and its session's name, as AWS's bill shows it. */
  accountId?: string;
  roleSessionName?: string;
  /** As asked, decoded; where a long body hides it, as the answer names it. */
  modelId?: string;
  /** What was called, where `modelId` is an alias of it. */
  resolvedModelId?: string;
  /** Resource type of the model that was called, as ARNs name it: `foundation-model`, `inference-profile` … */
  modelType?: string;
  /** The foundation model behind it, where the id, or a prompt router's answer, tells it. */
  foundationModelId?: string;
  /** The model as the answer calls it, which need not be an id of Bedrock's. */
  responseModel?: string;
  /** The tier that the answer says it was served in. */
  serviceTier?: string;
  /** `standard` or `optimized`, as the answer says. */
  latencyMode?: string;
  /** Why the model stopped, in the words of the answer's dialect. */
  stopReason?: string;
  guardrailAction?: GuardrailAction;
  status?: number;
  errorType?: string;
  /** Whose error it was. */
  errorSource?: ErrorSource;
  tokenFault?: string;
  streamed?: boolean;
  outcome?: Outcome;
  /** What CountTokens answered: nothing was used. */
  countedInputTokens?: number;
  usageSource?: NonNullable<Usage['source']>;
  /** Why nothing is known of the tokens. */
  usageUnknown?: NonNullable<Usage['unknown']> | 'no answer';
  /** The answer was cut: more tokens may have been used. */
  usagePartial?: true;
  /** By the price table, in its currency. */
  estimatedCost?: number;
  /** The budget that has refused the call or, in observation, would have. */
  budgetExceeded?: string;
  /** How the budgets of an hour, a day and a month stood when the call began. */
  budgets?: Admission['told'];
  /** Bytes of the request's body. */
  requestBytes?: number;
  /** Bytes of Bedrock's answer that were sent to the caller. */
  responseBytes?: number;
  /** Whole messages or events of a stream that were sent to the caller. */
  responseEvents?: number;
  /** Milliseconds from the start of the invocation to Bedrock's headers. */
  headersMs?: number;
  /** Milliseconds to the first byte of the answer handed to the host. */
  firstByteMs?: number;
  /** Milliseconds to the first piece of content in a stream. */
  firstTokenMs?: number;
  /** Milliseconds to the end of the answer. */
  durationMs?: number;
  /** Output tokens after the first, by the seconds from the first token to the last byte of a complete stream. */
  outputTokensPerSecond?: number;
  /** Requests sent to Bedrock. */
  attempts?: number;
  credentialsRefreshed?: boolean;
}

export type ErrorSource = 'client' | 'proxy' | 'bedrock';
export type Outcome = 'complete' | 'refused' | 'clientClosed' | 'upstreamBroke' | 'timedOut';
