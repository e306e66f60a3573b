import { errorTypeIn } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { addFacts, type ToldFacts } from './answer-facts.ts';
import { isOpenAi, withoutCacheOverlap } from './cache-overlap.ts';
import { findUsage } from './formats.ts';
import { tokensApart } from './iterations.ts';
import { isEmpty, mergeUsage, type TokenUsage } from './token-usage.ts';

/** Why an answer could not be read. Never a parser's own message: those quote what they stumbled over. */
export type Trouble =
  | 'answer not understood: compressed'
  | 'answer not understood: damaged stream'
  | 'answer not understood: not JSON'
  | 'answer not understood: too long';

/** What has become known of an answer so far. */
export interface Accumulator extends Required<ToldFacts> {
  usage: TokenUsage;
  /** Tokens that the counts of the answer leave out, and the counts as they stood beside them. */
  apart: TokenUsage;
  besideApart: TokenUsage;
  /** The usage is that of the whole answer. */
  final: boolean;
  firstTokenSeen: boolean;
  /** Bedrock itself has ended the stream by an error. */
  failed: boolean;
  /** Types of the events one of which has yet to end the message that has begun; undefined outside of any such message. */
  awaitedEnd: readonly string[] | undefined;
  trouble: Trouble | undefined;
  events: number;
  /** The model that was asked for is one of OpenAI's. */
  readonly openAi: boolean;
}

/** @param modelId of the model that was asked for, if that is known */
export function newAccumulator(modelId = ''): Accumulator {
  return {
    usage: {},
    apart: {},
    besideApart: {},
    final: false,
    firstTokenSeen: false,
    failed: false,
    awaitedEnd: undefined,
    trouble: undefined,
    events: 0,
    openAi: isOpenAi(modelId),
    model: undefined,
    routedModelId: undefined,
    errorType: undefined,
    serviceTier: undefined,
    latencyMode: undefined,
    stopReason: undefined,
    guardrailAction: undefined,
  };
}

/** Reads one form of answer into an accumulator. */
export interface UsageReader {
  /** Takes the pieces of one or several whole messages of a stream, or the next ones of a body. */
  read(pieces: readonly Buffer[]): void;
  /** No more pieces will come. */
  end(): void;
}

/** Longest body or message that is kept for reading; an answer of text is far below. */
export const LONGEST_READ = 1024 * 1024;

/**
 * Adds what a part of an answer tells; counts that come later are more exact.
 *
 * @param streamed it is the last event of ConverseStream
 */
export function add(to: Accumulator, value: unknown, streamed = false): void {
  addFacts(to, value);
  const found = findUsage(value);
  if (found === undefined) return;
  const inConverse = to.openAi && member(value, 'usage', 'inputTokens') !== undefined;
  to.usage = mergeUsage(to.usage, inConverse ? withoutCacheOverlap(found.usage, streamed) : found.usage);
  to.final ||= found.final;
  const apart = tokensApart(value);
  if (isEmpty(apart)) return;
  to.apart = apart;
  to.besideApart = to.usage;
}

/** The same for one event of a stream. */
export function addEvent(to: Accumulator, event: unknown): void {
  to.firstTokenSeen ||= carriesContent(event);
  noteEnds(to, member(event, 'type'));
  add(to, event);
  if (!isError(event)) return;
  to.failed = true;
  to.errorType = errorTypeIn(event);
}

/** By the type of the event that begins a message: the types of those that may end it. */
const ENDS = new Map<unknown, readonly string[]>([
  ['messageStart', ['messageStop']],
  ['message_start', ['message_stop']],
  ['response.created', ['response.completed', 'response.incomplete', 'response.failed']],
]);

/** Follows, by the types of the events, whether the message of a stream has ended. */
export function noteEnds(to: Accumulator, type: unknown): void {
  if (to.awaitedEnd?.some((end) => end === type) === true) to.awaitedEnd = undefined;
  else to.awaitedEnd = ENDS.get(type) ?? to.awaitedEnd;
}

/** The word for an error in the dialects of OpenAI and Anthropic: a member, or the value of `type`. */
function isError(event: unknown): boolean {
  return [event, member(event, 'response')].some((part) => {
    const error = member(part, 'error');
    return (typeof error === 'object' && error !== null) || member(part, 'type') === 'error';
  });
}

/** Where each family has its text, if any. */
const TEXTS = ['generation', 'outputText', 'completion', 'text'];
const DELTAS = ['content', 'reasoning', 'reasoning_content', 'refusal', 'tool_calls'];

/**
 * True for an event that carries some of what the model has written, its reasoning and tool calls included. An event of
 * a form that is not known counts as one: only some families begin with events that are not.
 */
function carriesContent(event: unknown): boolean {
  const type = member(event, 'type');
  // Anthropic, and the Responses API.
  if (typeof type === 'string') return type === 'content_block_delta' || type.endsWith('.delta');
  const choices = member(event, 'choices');
  if (Array.isArray(choices)) {
    const delta = member(choices[0], 'delta') ?? member(choices[0], 'message');
    return DELTAS.some((name) => isFilled(member(delta, name))) || isFilled(member(choices[0], 'text'));
  }
  if (member(event, 'messageStart') !== undefined || member(event, 'contentBlockStart') !== undefined) return false;
  const texts = TEXTS.map((name) => member(event, name)).filter((text) => typeof text === 'string');
  return texts.length === 0 || texts.some(isFilled);
}

function isFilled(value: unknown): boolean {
  return (typeof value === 'string' || Array.isArray(value)) && value.length > 0;
}
