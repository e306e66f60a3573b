import type { Operation } from './operations.ts';

/** The event by which a broken stream of server-sent events tells of it, with the name of an event or without. */
const ERROR_EVENT = /^(?:event: error\n)?data: \{"error":/;

/** An answer as its caller got it. `cut`: the connection broke before the answer's end. */
export interface Received {
  readonly status: number;
  readonly errorType: string | undefined;
  readonly body: Buffer;
  readonly cut: boolean;
}

/** The call was answered as Bedrock answers it, from the first byte to the last. */
export const COMPLETE = 'complete';

/** The caller closed the connection itself. */
export const LEFT = 'left';

/**
 * What a caller makes of its answer: `complete`; status and error type, such as `503 ServiceUnavailableException`;
 * `exception <type>` or `error event` for a stream that says so itself; anything else is nothing a client understands.
 */
export function outcomeOf(
  { status, errorType, body, cut }: Received,
  { shape, last = '', status: good = 200 }: Operation,
): string {
  if (cut) {
    // So that no library takes it for the end, a stream of chat completions ends by the error and a broken connection.
    const lastEvent = String(body).split('\n\n').at(-2) ?? '';
    return ERROR_EVENT.test(lastEvent) ? 'error event' : `${status}, cut after ${body.length} bytes`;
  }
  if (status !== good) return `${status} ${errorType ?? 'without a type'}`;
  if (shape === 'plain') return isJson(body) ? COMPLETE : 'no JSON';
  if (shape === 'frames') return framesOutcome(body, last);
  const text = String(body);
  const lastEvent = text.trimEnd().split('\n\n').at(-1) ?? '';
  if (lastEvent.startsWith('event: error\n') || lastEvent.startsWith('data: {"error":')) return 'error event';
  return text.endsWith('\n\n') && lastEvent.includes(last) ? COMPLETE : 'events that end early';
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(String(body));
    return true;
  } catch {
    return false;
  }
}

/** Walks from frame to frame by their lengths; the last one decides. */
function framesOutcome(body: Buffer, last: string): string {
  let lastFrame: Buffer = Buffer.alloc(0);
  for (let at = 0; at < body.length; at += lastFrame.length) {
    const length = body.length - at < 16 ? 0 : body.readUInt32BE(at);
    if (length < 16 || at + length > body.length) return 'half a frame';
    lastFrame = body.subarray(at, at + length);
  }
  const text = lastFrame.toString('latin1');
  const exception = /:exception-type.{3}([A-Za-z]+)/s.exec(text)?.[1];
  if (exception !== undefined) return `exception ${exception}`;
  // InvokeModelWithResponseStream carries its events in base64.
  const inner = /"bytes":"([^"]*)"/.exec(text)?.[1] ?? '';
  return (text + String(Buffer.from(inner, 'base64'))).includes(last) ? COMPLETE : 'frames that end early';
}
