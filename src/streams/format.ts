import { createEventStreamFramer } from './event-stream.ts';
import type { Framer } from './framer.ts';
import type { EventDialect } from '../bedrock/runtime.ts';
import { createEventFramer } from './server-sent-events.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';

/** The framer for an answer that is a stream of messages; undefined for any other, and for one that is compressed. */
export function framerFor({ status, headers }: UpstreamAnswer, dialect: EventDialect | undefined): Framer | undefined {
  if (status !== 200 || headers['content-encoding'] !== undefined) return undefined;
  const type = String(headers['content-type']).split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/vnd.amazon.eventstream') return createEventStreamFramer();
  if (type === 'text/event-stream') return createEventFramer(dialect);
  return undefined;
}
