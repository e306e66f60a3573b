import { errorTypeIn } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { findUsage } from './formats.ts';
import { mergeUsage, type TokenUsage } from './token-usage.ts';

/** Why an answer could not be read. Never a parser's own message: those quote what they stumbled over. */
export type Trouble =
  | 'answer not understood: compressed'
  | 'answer not understood: damaged stream'
  | 'answer not understood: not JSON'
  | 'answer not understood: too long';

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
}

/** What has become known of an answer so far. */
export interface Accumulator extends AnswerFacts {
  usage: TokenUsage;
  /** The usage is that of the whole answer. */
  final: boolean;
  firstTokenSeen: boolean;
  /** Bedrock itself has ended the stream by an error. */
  failed: boolean;
  /** Types of the events one of which has yet to end the message that has begun; undefined outside of any such message. */
  awaitedEnd: readonly string[] | undefined;
  trouble: Trouble | undefined;
  events: number;
  model: string | undefined;
  routedModelId: string | undefined;
  errorType: string | undefined;
}

export function newAccumulator(): Accumulator {
  return {
    usage: {},
    final: false,
    firstTokenSeen: false,
    failed: false,
    awaitedEnd: undefined,
    trouble: undefined,
    events: 0,
    model: undefined,
    routedModelId: undefined,
    errorType: undefined,
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

/** Adds what a part of an answer tells; counts that come later are more exact. */
export function add(to: Accumulator, value: unknown): void {
  to.model ??= textIn(
    member(value, 'model') ?? member(value, 'message', 'model') ?? member(value, 'response', 'model'),
  );
  to.routedModelId ??= textIn(member(value, 'trace', 'promptRouter', 'invokedModelId'));
  const found = findUsage(value);
  if (found === undefined) return;
  to.usage = mergeUsage(to.usage, found.usage);
  to.final ||= found.final;
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

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
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
