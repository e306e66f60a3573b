import type { ProxyError } from '../errors.ts';
import type { FailureEnd } from './framer.ts';

/**
 * Dialect in which a stream of server-sent events tells its client of a failure: `openai` is that of chat completions,
 * `unknown` that of a program that may speak any.
 */
export type EventDialect = 'openai' | 'responses' | 'anthropic' | 'unknown';

/**
 * What makes each family of clients raise an error instead of ending as if all were well.
 *
 * @param sequenceNumber of the event, in the dialect that numbers them
 */
export function failureEvent(dialect: EventDialect, error: ProxyError, sequenceNumber: number): FailureEnd {
  const { message, errorType: code } = error;
  const openai = { message, type: 'server_error', code, param: null };
  switch (dialect) {
    case 'openai':
      // OpenAI's library for .NET passes over an error and takes the end behind it for that of the answer.
      return { message: event({ error: openai }), breaks: true };
    case 'responses': {
      // OpenAI's library for Python looks for a member `error`, the others for what its reference says of this event.
      const told = { type: 'error', code, message, param: null, sequence_number: sequenceNumber, error: openai };
      return { message: event(told, 'error'), breaks: false };
    }
    case 'unknown':
      // Clients of the Model Context Protocol pass over an event of another name than `message`, and see the break.
      return { message: event({ error: message, type: code }, 'error'), breaks: true };
    case 'anthropic':
      return { message: event({ type: 'error', error: { type: 'api_error', message } }, 'error'), breaks: false };
  }
}

function event(data: object, name?: string): Buffer {
  return Buffer.from(`${name === undefined ? '' : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`);
}

/** A member's name: in a string its quotes would be escaped. */
const SEQUENCE_NUMBER = Buffer.from('"sequence_number":');

/** The number of the last event in the pieces of whole ones, or undefined where none has one. */
export function lastSequenceNumber(pieces: readonly Buffer[]): number | undefined {
  const [only, second] = pieces;
  const bytes = only !== undefined && second === undefined ? only : Buffer.concat(pieces);
  const at = bytes.lastIndexOf(SEQUENCE_NUMBER);
  if (at === -1) return undefined;
  const value = bytes.toString('latin1', at + SEQUENCE_NUMBER.length, at + SEQUENCE_NUMBER.length + 20);
  const digits = /^\s*(\d{1,15})/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
