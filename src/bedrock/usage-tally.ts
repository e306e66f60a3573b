import { findCounts, member, type TokenCounts } from './usage-counts.ts';

/** Why an answer could not be read. Never a parser's own message: those quote what they stumbled over. */
export type Trouble =
  | 'answer not understood: compressed'
  | 'answer not understood: damaged stream'
  | 'answer not understood: not JSON'
  | 'answer not understood: too long';

/** What has become known of an answer so far. */
export interface Tally {
  counts: TokenCounts;
  /** The counts are those of the whole answer. */
  final: boolean;
  firstTokenSeen: boolean;
  /** Bedrock itself has ended the stream by an exception. */
  failed: boolean;
  trouble: Trouble | undefined;
}

/** Reads one form of answer into a tally. */
export interface UsageReader {
  write(bytes: Buffer): void;
  /** No more bytes will come. */
  end(): void;
}

/** Longest body or message that is kept for reading; an answer of text is far below. */
export const LONGEST_READ = 1024 * 1024;

/** Adds what a part of an answer tells; counts that come later are more exact. */
export function tell(tally: Tally, value: unknown): void {
  const found = findCounts(value);
  if (found === undefined) return;
  Object.assign(tally.counts, found.counts);
  tally.final ||= found.final;
}

/** The same for one event of a stream. */
export function tellEvent(tally: Tally, event: unknown): void {
  tally.firstTokenSeen ||= carriesContent(event);
  tell(tally, event);
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
