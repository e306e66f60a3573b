import { createEventStreamFramer } from '../../src/streams/event-stream.ts';
import type { Framer } from '../../src/streams/framer.ts';
import { createEventFramer } from '../../src/streams/server-sent-events.ts';
import { createUsageTap, type Usage, type UsageTap } from '../../src/usage/meter.ts';
import type { Answer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import type { Operation } from '../emulators/bedrock/operations.ts';

export const MESSAGES = { 'content-type': 'application/vnd.amazon.eventstream' };
export const EVENTS = { 'content-type': 'text/event-stream; charset=utf-8' };
export const JSON_BODY = { 'content-type': 'application/json' };

type Headers = Readonly<Record<string, string | string[]>>;

/** What the tap makes of the pieces of a body. */
export function usageOf(operation: string, headers: Headers, pieces: readonly Buffer[], complete = true): Usage {
  const tap = createUsageTap(operation, headers);
  for (const piece of pieces) tap.write(piece);
  return tap.end(complete);
}

/** The same for a whole body; throws unless it is the same for the body cut in two at every offset. */
export function usageHoweverCut(operation: string, headers: Headers, bytes: Buffer, complete = true): Usage {
  const usage = usageOf(operation, headers, [bytes], complete);
  const expected = JSON.stringify(usage);
  for (let at = 0; at <= bytes.length; at += 1) {
    const found = JSON.stringify(usageOf(operation, headers, [bytes.subarray(0, at), bytes.subarray(at)], complete));
    if (found !== expected) throw new Error(`Cut at ${at}: ${found}; whole: ${expected}`);
  }
  return usage;
}

/** The same for one JSON document. */
export function usageOfJson(operation: string, value: unknown, headers: Headers = JSON_BODY): Usage {
  return usageHoweverCut(operation, headers, Buffer.from(JSON.stringify(value)));
}

/** What the emulator answers to a body; header names in lower case, as undici gives them. */
export function emulated(operation: Operation, body: object): Answer & { readonly bytes: Buffer } {
  const answer = defaultAnswer({
    method: 'POST',
    target: '/',
    rawHeaders: [],
    headers: {},
    body: Buffer.from(JSON.stringify(body)),
    receivedAt: new Date(0),
    operation,
    labels: [],
    modelId: 'model',
    verified: true,
    aborted: new Promise(() => {}),
  });
  return { ...answer, bytes: Buffer.concat(answer.parts) };
}

/** Sends a stream to the tap as the relay does: whole messages, cut where the framer has to. */
export function relayed(tap: UsageTap, headers: Headers, pieces: readonly Buffer[]): void {
  const framer = framerOf(headers);
  for (const piece of pieces) for (const bytes of framer?.push(piece) ?? [piece]) tap.write(bytes);
  for (const bytes of framer?.end() ?? []) tap.write(bytes);
}

function framerOf(headers: Headers): Framer | undefined {
  if (headers['content-type'] === MESSAGES['content-type']) return createEventStreamFramer();
  return headers['content-type'] === EVENTS['content-type'] ? createEventFramer(undefined) : undefined;
}

/** The bytes in pieces of one size. */
export function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
