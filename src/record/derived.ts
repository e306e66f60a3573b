import { isModelId, modelFacts } from '../bedrock/model-id.ts';
import type { Operation } from '../bedrock/service.ts';
import type { AnswerFacts } from '../usage/answer-facts.ts';
import type { Usage } from '../usage/reading.ts';
import type { RequestRecord } from './record.ts';

/** Adds what an answer has told, when nothing more of it is read. A model that can be no id is left out. */
export function addAnswer(record: RequestRecord, usage: Usage, facts: AnswerFacts): void {
  addTokens(record, usage);
  const { source, unknown, partial } = usage;
  if (source !== undefined) record.usageSource = source;
  if (unknown !== undefined) record.usageUnknown = unknown;
  if (partial !== undefined) record.usagePartial = partial;
  const { events, errorType, serviceTier, latencyMode, stopReason, guardrailAction } = facts;
  if (serviceTier !== undefined) record.serviceTier = serviceTier;
  if (latencyMode !== undefined) record.latencyMode = latencyMode;
  if (stopReason !== undefined) record.stopReason = stopReason;
  if (guardrailAction !== undefined) record.guardrailAction = guardrailAction;
  const [model, routedModelId] = [facts.model, facts.routedModelId].map((id) => (isModelId(id ?? '') ? id : undefined));
  if (events > 0) record.responseEvents = events;
  if (model !== undefined) {
    record.responseModel = model;
    record.modelId ??= model;
  }
  const { foundationModelId } = modelFacts(routedModelId ?? '');
  if (foundationModelId !== undefined) record.foundationModelId = foundationModelId;
  if (errorType !== undefined && record.errorType === undefined) {
    record.errorType = errorType;
    record.errorSource = 'bedrock';
  }
}

/** One by one: an object to which many members are copied at once becomes a table, which takes thrice as long to write. */
function addTokens(record: RequestRecord, usage: Usage): void {
  if (usage.inputTokens !== undefined) record.inputTokens = usage.inputTokens;
  if (usage.outputTokens !== undefined) record.outputTokens = usage.outputTokens;
  if (usage.totalTokens !== undefined) record.totalTokens = usage.totalTokens;
  if (usage.cacheReadInputTokens !== undefined) record.cacheReadInputTokens = usage.cacheReadInputTokens;
  if (usage.cacheWriteInputTokens !== undefined) record.cacheWriteInputTokens = usage.cacheWriteInputTokens;
  if (usage.cacheWrite5mInputTokens !== undefined) record.cacheWrite5mInputTokens = usage.cacheWrite5mInputTokens;
  if (usage.cacheWrite1hInputTokens !== undefined) record.cacheWrite1hInputTokens = usage.cacheWrite1hInputTokens;
  if (usage.reasoningTokens !== undefined) record.reasoningTokens = usage.reasoningTokens;
  if (usage.countedInputTokens !== undefined) record.countedInputTokens = usage.countedInputTokens;
}

/**
 * Adds what only the end of a request tells.
 *
 * @param operation absent for a request that named none
 * @param lastByteMs when the last byte of Bedrock's answer was sent to the caller, in milliseconds from the start
 */
export function conclude(
  record: RequestRecord,
  operation: Operation | undefined,
  lastByteMs: number | undefined,
): void {
  const { attempts, headersMs } = record;
  const modelId = usedModel(record, operation);
  if (modelId !== undefined) record.modelId = modelId;
  // It was asked, and may have worked.
  const unanswered = attempts !== undefined && headersMs === undefined;
  if (unanswered && operation?.metering === 'used') record.usageUnknown = 'no answer';
  if (modelId !== undefined) {
    const { modelType, foundationModelId } = modelFacts(record.resolvedModelId ?? modelId);
    if (modelType !== undefined) record.modelType = modelType;
    if (foundationModelId !== undefined) record.foundationModelId ??= foundationModelId;
  }
  const speed = speedOf(record, lastByteMs);
  if (speed !== undefined) record.outputTokensPerSecond = speed;
}

/**
 * The model that was asked for, unless a body seemed to name it and the answer names another: that one has worked. Names
 * that can be compared are those of Bedrock's own form; what the answer calls `claude-3-5-haiku-20241022` may well be
 * `us.anthropic.claude-3-5-haiku-20241022-v1:0`, and behind a profile of one's own may be any.
 */
function usedModel(record: RequestRecord, operation: Operation | undefined): string | undefined {
  const { modelId, resolvedModelId, responseModel } = record;
  // A body in which an alias was replaced has been read as Bedrock reads it.
  if (responseModel === undefined || resolvedModelId !== undefined || operation?.modelMember === undefined) {
    return modelId;
  }
  const [answered, asked] = [responseModel, modelId ?? ''].map((id) => modelFacts(id).foundationModelId);
  if (answered === undefined || asked === undefined || !BEDROCK_FORM.test(answered)) return modelId;
  return answered.includes(asked) || asked.includes(answered) ? modelId : responseModel;
}

/** `provider.model`, where the model's name begins with a letter: `gpt-5.6` is none. */
const BEDROCK_FORM = /^[a-z0-9-]+\.[a-z]/;

/** Below this the times, which are tenths of milliseconds, tell no speed: what came in one piece has none. */
const SHORTEST_MS = 10;

function speedOf(record: RequestRecord, lastByteMs: number | undefined): number | undefined {
  const { outcome, usagePartial, outputTokens = 0, firstTokenMs } = record;
  if (outcome !== 'complete' || usagePartial === true || firstTokenMs === undefined) return undefined;
  const ms = (lastByteMs ?? firstTokenMs) - firstTokenMs;
  // As the time per output token of the OpenTelemetry conventions for GenAI is defined: of those after the first.
  return ms >= SHORTEST_MS && outputTokens > 1 ? Math.round((10_000 * (outputTokens - 1)) / ms) / 10 : undefined;
}
