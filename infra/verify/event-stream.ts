import { codec, createEventStreamFramer } from '../../src/streams/event-stream.ts';

/** What a stream of `ConverseStream` has said. */
export interface StreamReading {
  readonly events: number;
  /** The text of the model. */
  readonly text: string;
  /** Whether the event that ends a message was there. */
  readonly ended: boolean;
  /** Type and message of the exception that it ended with, if it did. */
  readonly exception: string | undefined;
  /** Why it cannot be read. */
  readonly damage: string | undefined;
}

/** Reads a whole body of `application/vnd.amazon.eventstream`; never throws. */
export function readStream(body: Buffer): StreamReading {
  const state = {
    events: 0,
    text: '',
    ended: false,
    exception: undefined as string | undefined,
    damage: undefined as string | undefined,
  };
  try {
    for (const message of messagesOf(body)) {
      state.events += 1;
      const { headers, body: payload } = codec.decode(message);
      const { ':event-type': event, ':exception-type': exception } = headers;
      const value = JSON.parse(Buffer.from(payload).toString('utf8')) as Payload;
      if (exception !== undefined) state.exception = `${String(exception.value)}: ${value.message ?? ''}`;
      state.text += value.delta?.text ?? '';
      state.ended ||= event?.value === 'messageStop';
    }
  } catch (error) {
    state.damage = error instanceof Error ? error.message : String(error);
  }
  return state;
}

interface Payload {
  readonly message?: string;
  readonly delta?: { readonly text?: string };
}

/** @throws Error for bytes that are no messages, or not whole ones */
function messagesOf(body: Buffer): Buffer[] {
  const framer = createEventStreamFramer();
  const whole = Buffer.concat(framer.push(body));
  if (framer.damage !== undefined) throw new Error('bytes that are no event stream');
  if (framer.pending > 0) throw new Error('an end in the middle of an event');
  const messages: Buffer[] = [];
  for (let at = 0; at < whole.length; at += whole.readUInt32BE(at)) {
    messages.push(whole.subarray(at, at + whole.readUInt32BE(at)));
  }
  return messages;
}
