import { errorName } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import type { AnswerHead } from '../streams/format.ts';

/** What an answer tells of itself beside its tokens. */
export interface AnswerFacts {
  /** Whole messages or events of a stream. */
  readonly events: number;
  /** Its model, as the answer calls it. */
  readonly model: string | undefined;
  /** The model that a prompt router has chosen. */
  readonly routedModelId: string | undefined;
  /** The type of the error that an answer is, or that a stream has ended with. */
  readonly errorType: string | undefined;
  /** The tier that the request was served in, which decides its price: `default`, `priority`, `flex` … */
  readonly serviceTier: string | undefined;
  /** `standard` or `optimized`. */
  readonly latencyMode: string | undefined;
  /** Why the model stopped, in the words of its dialect. */
  readonly stopReason: string | undefined;
  readonly guardrailAction: GuardrailAction | undefined;
}

/** What a guardrail did, in the words of ApplyGuardrail. */
export type GuardrailAction = 'NONE' | 'GUARDRAIL_INTERVENED';

/** The facts that a part of an answer can tell. */
export type ToldFacts = {
  -readonly [
    Fact in 'model' | 'routedModelId' | 'errorType' | 'serviceTier' | 'latencyMode' | 'stopReason' | 'guardrailAction'
  ]?: AnswerFacts[Fact];
};

/** Adds what a part of an answer tells. Its model is the one it names first; all else may still change. */
export function addFacts(to: ToldFacts, value: unknown): void {
  to.model ??= textIn(
    member(value, 'model') ?? member(value, 'message', 'model') ?? member(value, 'response', 'model'),
  );
  to.routedModelId ??= textIn(member(value, 'trace', 'promptRouter', 'invokedModelId'));
  to.errorType = hiddenError(value) ?? to.errorType;
  to.serviceTier =
    firstWord(
      member(value, 'serviceTier', 'type'),
      member(value, 'service_tier'),
      member(value, 'response', 'service_tier'),
      member(value, 'usage', 'service_tier'),
      member(value, 'message', 'usage', 'service_tier'),
    ) ?? to.serviceTier;
  to.latencyMode = firstWord(member(value, 'performanceConfig', 'latency')) ?? to.latencyMode;
  to.stopReason = stopReasonIn(value) ?? to.stopReason;
  to.guardrailAction = guardrailActionIn(value) ?? to.guardrailAction;
}

/** InvokeModel tells these two in headers, in Bedrock's own words, whatever the model's answer calls them. */
export function factsInHeaders(headers: AnswerHead['headers']): ToldFacts {
  const serviceTier = firstWord(headers['x-amzn-bedrock-service-tier']);
  const latencyMode = firstWord(headers['x-amzn-bedrock-performanceconfig-latency']);
  return {
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(latencyMode === undefined ? {} : { latencyMode }),
  };
}

/** Names of members that tell facts or tokens; a body of an invoked model without any is not worth parsing. */
export const TELLING_NAMES = [
  'usage',
  'stop_reason',
  'stopReason',
  'finish_reason',
  'completionReason',
  'amazon-bedrock-guardrailAction',
  '__type',
].map((name) => Buffer.from(`"${name}"`));

/** An error of AWS's in an answer of 200, as its front end has sent it: `{"Output":{"__type":"…#UnknownOperation…"}}`. */
function hiddenError(value: unknown): string | undefined {
  const type = textIn(member(value, '__type') ?? member(value, 'Output', '__type'));
  return type === undefined ? undefined : errorName(type);
}

/** What ends a response of the Responses API; before that its status is no reason. */
const ENDED = new Set<unknown>(['completed', 'incomplete', 'failed', 'cancelled']);

function stopReasonIn(value: unknown): string | undefined {
  const response = member(value, 'response') ?? value;
  const status = member(response, 'object') === 'response' ? member(response, 'status') : undefined;
  const reason = firstWord(
    // Converse; Nova, whose invoked events carry Converse's by name.
    member(value, 'stopReason'),
    member(value, 'messageStop', 'stopReason'),
    // Anthropic and Llama.
    member(value, 'stop_reason'),
    member(value, 'delta', 'stop_reason'),
    // OpenAI, Cohere, Mistral, Titan.
    firstOf(value, 'choices', 'finish_reason'),
    member(value, 'finish_reason'),
    firstOf(value, 'outputs', 'stop_reason'),
    firstOf(value, 'results', 'completionReason'),
    member(value, 'completionReason'),
  );
  if (reason !== undefined || !ENDED.has(status)) return reason;
  return firstWord(member(response, 'incomplete_details', 'reason'), status);
}

function firstOf(value: unknown, list: string, name: string): unknown {
  const items = member(value, list);
  return Array.isArray(items) ? member(items[0], name) : undefined;
}

function guardrailActionIn(value: unknown): GuardrailAction | undefined {
  const stopReason = member(value, 'stopReason') ?? member(value, 'messageStop', 'stopReason');
  if (stopReason === 'guardrail_intervened') return 'GUARDRAIL_INTERVENED';
  // ApplyGuardrail; InvokeModel and the OpenAI routes.
  const applied = Array.isArray(member(value, 'assessments')) ? member(value, 'action') : undefined;
  switch (applied ?? member(value, 'amazon-bedrock-guardrailAction')) {
    case 'NONE':
      return 'NONE';
    case 'INTERVENED':
    case 'GUARDRAIL_INTERVENED':
      return 'GUARDRAIL_INTERVENED';
    default:
      return undefined;
  }
}

/** The first of the values that is a word: anything longer is no name of AWS's, and does not belong into a record. */
function firstWord(...values: readonly unknown[]): string | undefined {
  for (const value of values) if (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)) return value;
  return undefined;
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
