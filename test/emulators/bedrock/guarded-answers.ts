import { BLOCKED, type AppliedGuardrail } from './guardrails.ts';
import type { ReceivedRequest } from './received-request.ts';
import { TEXT, TEXT_PIECES } from './tokens.ts';

/*
 * What a guardrail makes of answers. The model has worked before its answer is blocked: the tokens are those of the answer
 * that nobody sees.
 */

type Guarded = Pick<ReceivedRequest, 'guardrail'>;

/** The text of an answer in the pieces that are streamed: the model's, or the guardrail's in its place. */
export function piecesFor({ guardrail }: Guarded): readonly string[] {
  return guardrail?.intervened === true ? [BLOCKED] : TEXT_PIECES;
}

/** Members of Converse's answer, or of the `metadata` of its stream. */
export function converseTrace({ guardrail }: Guarded): object {
  return guardrail?.traced === true ? { trace: { guardrail: assessments(guardrail) } } : {};
}

/** The answer of an invoked model, of a chat or of a message, with what Bedrock adds to it. */
export function guardedWhole({ guardrail }: Guarded, whole: object): object {
  if (guardrail === undefined) return whole;
  const json = JSON.stringify(whole);
  const text = guardrail.intervened ? json.replaceAll(JSON.stringify(TEXT), JSON.stringify(BLOCKED)) : json;
  return { ...(JSON.parse(text) as object), ...marks(guardrail) };
}

/** The same for the events of a stream; the last one has what Bedrock adds. */
export function guardedEvents<T extends object>({ guardrail }: Guarded, events: readonly T[]): T[] {
  if (guardrail === undefined) return [...events];
  const kept = guardrail.intervened ? events.flatMap((event) => blocked(event)) : events;
  const last = kept.at(-1);
  return last === undefined ? [] : [...kept.slice(0, -1), { ...last, ...marks(guardrail) }];
}

/** What Bedrock adds to the body of an answer, or to the last event of a stream. */
function marks(guardrail: AppliedGuardrail): object {
  return {
    'amazon-bedrock-guardrailAction': guardrail.intervened ? 'INTERVENED' : 'NONE',
    ...(guardrail.traced ? { 'amazon-bedrock-trace': { guardrail: assessments(guardrail) } } : {}),
  };
}

/** The guardrail speaks in the event of the first piece; the others are gone, or empty in the last one. */
function blocked<T extends object>(event: T): T[] {
  const json = JSON.stringify(event);
  const at = TEXT_PIECES.findIndex((piece) => json.includes(JSON.stringify(piece)));
  if (at === -1) return [event];
  if (at > 0 && at < TEXT_PIECES.length - 1) return [];
  return [JSON.parse(json.replace(JSON.stringify(TEXT_PIECES[at]), JSON.stringify(at === 0 ? BLOCKED : ''))) as T];
}

function assessments({ id, intervened }: AppliedGuardrail): object {
  const found = intervened ? { wordPolicy: { customWords: [{ match: '…', action: 'BLOCKED', detected: true }] } } : {};
  const assessment = { ...found, invocationMetrics: { guardrailProcessingLatency: 181 } };
  return {
    inputAssessment: { [id]: assessment },
    ...(intervened ? { outputAssessments: { [id]: [assessment] } } : {}),
  };
}
