import type { ServerResponse } from 'node:http';

import { abortable } from '../abortable.ts';
import type { BufferLease } from '../buffer-budget.ts';
import type { Clock } from '../clock.ts';
import { writeAll } from '../http/exchange.ts';
import type { Recorder } from '../record/recorder.ts';
import type { UsageMeter } from '../usage/meter.ts';

/** What an answer is relayed with. */
export interface Relaying {
  /** For what is held; whoever takes it releases it when the connection is done with the answer. */
  readonly lease: BufferLease;
  readonly record: Pick<Recorder, 'sent' | 'firstToken' | 'failed'>;
  readonly meter: UsageMeter;
  /** Ends the writing, also while it waits for a caller that does not read. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/**
 * Writes the pieces of whole messages, or of a body, and has them counted.
 *
 * @returns settles when the caller has room for more, and rejects when the signal is aborted before; undefined with room
 */
export function write(
  response: ServerResponse,
  pieces: readonly Buffer[],
  { record, meter, signal }: Relaying,
): Promise<void> | undefined {
  const room = writeAll(response, pieces);
  record.sent(pieces);
  meter.read(pieces);
  if (meter.firstTokenSeen) record.firstToken();
  return room && abortable(room, signal);
}
