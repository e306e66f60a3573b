import { createEventStreamFramer, type StreamException } from './event-stream.ts';
import type { EventDialect } from './failure-event.ts';
import type { Framer } from './framer.ts';
import { createEventFramer } from './server-sent-events.ts';

/** Status and headers of an answer; names in lower case. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

export type StreamFormat = 'eventStream' | 'serverSentEvents';

/** The format that the content type names, if it is one of a stream of messages. */
export function formatOf(headers: AnswerHead['headers']): StreamFormat | undefined {
  const type = String(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/vnd.amazon.eventstream') return 'eventStream';
  return type === 'text/event-stream' ? 'serverSentEvents' : undefined;
}

export function isCompressed(headers: AnswerHead['headers']): boolean {
  return headers['content-encoding'] !== undefined;
}

/** The format of an answer that can be cut into messages; undefined for any other, and for one that is compressed. */
export function framedFormat({ status, headers }: AnswerHead): StreamFormat | undefined {
  return status === 200 && !isCompressed(headers) ? formatOf(headers) : undefined;
}

/** How the clients of an operation are told that a stream of either format has failed. */
export interface FailureForms {
  readonly dialect?: EventDialect;
  readonly streamException?: StreamException;
}

/** The framer for an answer that can be cut into messages. */
export function framerFor(head: AnswerHead, { dialect, streamException }: FailureForms): Framer | undefined {
  switch (framedFormat(head)) {
    case 'eventStream':
      return createEventStreamFramer(streamException);
    case 'serverSentEvents':
      return createEventFramer(dialect);
    case undefined:
      return undefined;
  }
}
