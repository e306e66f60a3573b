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
  /** What the caller gets of whole messages; absent: all of them. */
  readonly shown?: (messages: readonly Buffer[]) => readonly Buffer[];
}

/**
 * Writes the pieces of whole messages, or of a body, and has them counted.
 *
 * @returns settles when the caller has room for more, and rejects when the signal is aborted before; undefined with room
 */
export function write(
  response: ServerResponse,
  pieces: readonly Buffer[],
  { record, meter, signal, shown }: Relaying,
): Promise<void> | undefined {
  const sent = shown === undefined ? pieces : shown(pieces);
  const room = writeAll(response, sent);
  record.sent(sent);
  meter.read(pieces);
  if (meter.firstTokenSeen) record.firstToken();
  return room && abortable(room, signal);
}
