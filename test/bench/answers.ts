import { encodeEvent } from '../emulators/bedrock/frames.ts';

/** The fixed answers of the upstream, as bytes; the load generator counts what arrives against them. */

/** A Converse answer of about 1 KB. */
export const SMALL_ANSWER = Buffer.from(
  JSON.stringify({
    metrics: { latencyMs: 1 },
    output: { message: { role: 'assistant', content: [{ text: 'word '.repeat(170) }] } },
    stopReason: 'end_turn',
    usage: { inputTokens: 10, outputTokens: 170, totalTokens: 180 },
  }),
);

const delta = (text: string): Buffer => encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } });

/** One event of a stream that goes on for as long as the client listens. */
export const ENDLESS_EVENT = delta('A few words. ');
export const SLOW_INTERVAL_MS = 500;
export const BUSY_INTERVAL_MS = 20;

/** Some events, as a model writes them. */
export const EVENTS: readonly Buffer[] = [
  encodeEvent('messageStart', { role: 'assistant' }),
  ...Array.from({ length: 16 }, (_, index) => delta(`word ${index} `)),
  encodeEvent('contentBlockStop', { contentBlockIndex: 0 }),
  encodeEvent('messageStop', { stopReason: 'end_turn' }),
  encodeEvent('metadata', {
    metrics: { latencyMs: 100 },
    usage: { inputTokens: 10, outputTokens: 16, totalTokens: 26 },
  }),
];
export const EVENT_INTERVAL_MS = 5;
export const EVENTS_BYTES = EVENTS.reduce((sum, { length }) => sum + length, 0);

/** Sixty-four events of about 1 KB, written again and again. */
export const FLOOD_BLOCK = Buffer.concat(Array.from({ length: 64 }, () => delta('x'.repeat(880))));
const FLOOD_TARGET_BYTES = 50_000_000;
export const FLOOD_BLOCKS = Math.ceil(FLOOD_TARGET_BYTES / FLOOD_BLOCK.length);
export const FLOOD_BYTES = FLOOD_BLOCKS * FLOOD_BLOCK.length;
