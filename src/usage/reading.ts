import { errorTypeIn, errorTypeOf, isErrorAnswer } from '../aws/error-type.ts';
import { member } from '../json/member.ts';
import { type AnswerHead, framedFormat, isCompressed } from '../streams/format.ts';
import type { Accumulator, Trouble, UsageReader } from './accumulator.ts';
import { addFacts } from './answer-facts.ts';
import { createBodyReader } from './body-reader.ts';
import { createEventStreamReader } from './event-stream-reader.ts';
import { usageInHeaders } from './headers.ts';
import { withTokensApart } from './iterations.ts';
import { createServerSentEventsReader } from './sse-reader.ts';
import { isEmpty, mergeUsage, type TokenUsage, withTotal } from './token-usage.ts';

/**
 * What an operation's answers tell: tokens that were `used`, or that were only `counted`, which costs nothing; or nothing
 * (`untold`) of those that a model has used.
 */
export type Metering = 'used' | 'counted' | 'untold';

/** What an answer tells of its tokens. Empty for an operation that uses none. */
export interface Usage extends TokenUsage {
  /** What CountTokens counted. It costs nothing, so it stands apart from what is summed. */
  countedInputTokens?: number;
  source?: 'headers' | 'body' | 'stream';
  /** Why nothing is known. */
  unknown?: 'not told by this operation' | 'no usage in the answer' | 'ended by an error' | 'cut' | Trouble;
  /** The answer was cut, and these are the counts until then. */
  partial?: true;
}

/** How one kind of answer is read. */
export interface Reading {
  readonly reader?: UsageReader;
  /** What was used, once all of the answer has been read. */
  readonly conclude: (complete: boolean) => Usage;
  readonly announced?: TokenUsage;
  /** A stream without an event is whole. */
  readonly mayBeEmpty?: true;
}

/** How an answer is read, by the operation and the answer's head. */
export function readingOf(metering: Metering | undefined, head: AnswerHead, accumulator: Accumulator): Reading {
  if (isErrorAnswer(head)) return readError(head, accumulator);
  if (metering === 'used') return readUsage(head, accumulator);
  if (metering === 'counted') return readCount(accumulator);
  const facts = readFacts(head, accumulator);
  return metering === 'untold' ? { ...facts, conclude: untold } : facts;
}

/** An answer that tells no tokens, or those of another: a stored response has been counted when it was made. */
function readFacts(head: AnswerHead, accumulator: Accumulator): Reading {
  if (isCompressed(head.headers)) return { conclude: nothing };
  const take = (value: unknown) => addFacts(accumulator, value);
  // A stored response that is read on from its last event is a stream without any.
  return { reader: readerOf(head, accumulator, true, take), conclude: nothing, mayBeEmpty: true };
}

function readerOf(
  head: AnswerHead,
  accumulator: Accumulator,
  detailsOnly: boolean,
  take?: (value: unknown) => void,
): UsageReader {
  switch (framedFormat(head)) {
    case 'eventStream':
      return createEventStreamReader(accumulator);
    case 'serverSentEvents':
      return createServerSentEventsReader(accumulator);
    default:
      return createBodyReader(accumulator, detailsOnly, take);
  }
}

function nothing(): Usage {
  return {};
}

function untold(): Usage {
  return { unknown: 'not told by this operation' };
}

/** An error uses no tokens. Its type is in its body where the headers do not tell it. */
function readError({ headers }: AnswerHead, accumulator: Accumulator): Reading {
  accumulator.errorType = errorTypeOf(headers);
  if (accumulator.errorType !== undefined) return { conclude: nothing };
  const takeType = (value: unknown) => {
    accumulator.errorType = errorTypeIn(value);
  };
  return { reader: createBodyReader(accumulator, false, takeType), conclude: nothing };
}

function readCount(accumulator: Accumulator): Reading {
  let counted: number | undefined;
  const takeCount = (value: unknown) => {
    const count = member(value, 'inputTokens') ?? member(value, 'input_tokens');
    if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) counted = count;
  };
  return {
    reader: createBodyReader(accumulator, false, takeCount),
    conclude: (complete) =>
      counted === undefined
        ? { unknown: whyUnknown(accumulator, complete) }
        : { countedInputTokens: counted, source: 'body' },
  };
}

function readUsage(head: AnswerHead, accumulator: Accumulator): Reading {
  const fromHeaders = usageInHeaders(head.headers);
  const inHeaders = !isEmpty(fromHeaders);
  const format = framedFormat(head);
  const source = inHeaders ? 'headers' : format === undefined ? 'body' : 'stream';
  const conclude = (complete: boolean): Usage => {
    const { apart, besideApart } = accumulator;
    const told = inHeaders ? mergeUsage(accumulator.usage, fromHeaders) : accumulator.usage;
    const usage = withTokensApart(told, apart, besideApart);
    if (isEmpty(usage)) {
      // An error in the place of the answer.
      if (source === 'body' && accumulator.errorType !== undefined) return {};
      return { unknown: whyUnknown(accumulator, complete) };
    }
    const whole = complete && !accumulator.failed && (source !== 'stream' || usage.outputTokens !== undefined);
    if (whole || accumulator.final || inHeaders) return { ...withTotal(usage), source };
    const { totalTokens: _soFar, ...untilThen } = usage;
    return { ...untilThen, source, partial: true };
  };
  const announced = withTotal(fromHeaders);
  if (isCompressed(head.headers)) {
    accumulator.trouble = 'answer not understood: compressed';
    return { conclude, announced };
  }
  return { reader: readerOf(head, accumulator, inHeaders), conclude, announced };
}

function whyUnknown({ trouble, failed }: Accumulator, complete: boolean): NonNullable<Usage['unknown']> {
  if (!complete) return 'cut';
  return trouble ?? (failed ? 'ended by an error' : 'no usage in the answer');
}
