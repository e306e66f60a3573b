import type { AnswerHead } from '../streams/format.ts';
import { newAccumulator } from './accumulator.ts';
import { type AnswerFacts, factsInHeaders } from './answer-facts.ts';
import { type Metering, readingOf, type Usage } from './reading.ts';
import type { TokenUsage } from './token-usage.ts';

export interface UsageMeter {
  /**
   * Takes the pieces of one or several whole messages of a stream, or the next ones of a body; they are not copied and
   * must not change afterwards. Never throws. Keeps no more than one message or body of up to 1 MiB, and the buffers that
   * hold it.
   */
  read(pieces: readonly Buffer[]): void;
  /**
   * The stream has come to a clean end: no more pieces will count. False when its message has begun and not ended, or
   * nothing has come at all: it was cut. True where the end of a message is not known, and after an error of Bedrock's.
   */
  endedWhole(): boolean;
  /**
   * The usage: decided by the first call, which is followed by no more pieces; further ones give the same.
   *
   * @param complete false when the answer was cut or aborted
   */
  end(complete: boolean): Usage;
  /** What the answer's headers tell by themselves. */
  readonly announced: TokenUsage;
  /** A part of the model's text, reasoning or tool calls has gone by. Always false for an answer that is no stream. */
  readonly firstTokenSeen: boolean;
  /** So far. */
  readonly facts: AnswerFacts;
}

/**
 * Reads the usage, and the type of an error, out of an answer that passes by.
 *
 * @param metering undefined for an operation whose answers tell no tokens
 * @param onUsage told of the usage once, when it is decided
 * @param modelId of the model that was asked for, if that is known: some count in their own way
 */
export function createMeter(
  metering: Metering | undefined,
  head: AnswerHead,
  onUsage?: (usage: TokenUsage) => void,
  modelId?: string,
): UsageMeter {
  const accumulator = newAccumulator(modelId);
  const { reader, conclude, announced = {}, mayBeEmpty = false } = readingOf(metering, head, accumulator);
  let decided: Usage | undefined;
  let ended = false;
  const endReading = () => {
    if (!ended) reader?.end();
    ended = true;
  };
  return {
    read(pieces) {
      if (!ended) reader?.read(pieces);
    },
    endedWhole() {
      endReading();
      const { failed, trouble, events, awaitedEnd } = accumulator;
      // What was too long to be read may have been the end.
      if (reader === undefined || failed || trouble === 'answer not understood: too long') return true;
      return (events > 0 || mayBeEmpty) && awaitedEnd === undefined;
    },
    end(complete) {
      if (decided !== undefined) return decided;
      endReading();
      Object.assign(accumulator, factsInHeaders(head.headers));
      decided = conclude(complete);
      onUsage?.(decided);
      return decided;
    },
    announced,
    get firstTokenSeen() {
      return accumulator.firstTokenSeen;
    },
    facts: accumulator,
  };
}
