import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { ProxyError } from '../../src/errors.ts';
import { framerFor } from '../../src/streams/format.ts';
import { createMeter, type UsageMeter } from '../../src/usage/meter.ts';
import type { Usage } from '../../src/usage/reading.ts';
import type { Answer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import type { Operation } from '../emulators/bedrock/operations.ts';

export const JSON_BODY = { 'content-type': 'application/json' };

type Headers = Readonly<Record<string, string | string[]>>;

/** A meter for an answer of 200 to the operation of this name. */
export function meterOf(operation: string, headers: Headers): UsageMeter {
  const row = RUNTIME.operations.find(({ name }) => name === operation);
  return createMeter(row?.metering, { status: 200, headers });
}

/**
 * Hands a body to the meter as the relay does: the whole messages of a stream, cut where the framer has to.
 *
 * @returns false when the relay would find the stream broken
 */
export function feed(meter: UsageMeter, headers: Headers, pieces: readonly Buffer[], complete = true): boolean {
  const framer = framerFor({ status: 200, headers }, {});
  for (const piece of pieces) {
    const whole = framer === undefined ? [piece] : framer.push(piece);
    if (whole.length > 0) meter.read(whole);
    if (framer?.damage !== undefined) return false;
  }
  if (framer === undefined || !complete) return complete;
  try {
    meter.read(framer.end());
    return true;
  } catch (error) {
    if (error instanceof ProxyError) return false;
    throw error;
  }
}

/** What the meter makes of the pieces of a body. */
export function usageOf(operation: string, headers: Headers, pieces: readonly Buffer[], complete = true): Usage {
  const meter = meterOf(operation, headers);
  return meter.end(feed(meter, headers, pieces, complete));
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

/** An event in the frame of InvokeModelWithResponseStream, padded as Bedrock pads. */
export function chunk(event: object): Buffer {
  return encodeEvent('chunk', { bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abcd' });
}

/** Server-sent events; `end` is the end of their lines. */
export function sse(events: readonly object[], end = '\n'): Buffer {
  return Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}${end}${end}`).join(''));
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

/** The bytes in pieces of one size. */
export function cut(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}
