import type { ServerResponse } from 'node:http';

import type { UpstreamAnswer } from '../aws/upstream.ts';
import { CallerGone, ProxyError, toProxyError } from '../errors.ts';
import type { Reply } from '../http/reply.ts';
import type { Framer } from '../streams/framer.ts';
import { endAtDeadline, endByFailure } from './ending.ts';
import { type Relaying, write } from './write.ts';

const NONE: readonly Buffer[] = [];

/** Relays a stream of messages: whole ones only, so that one of our own can tell of a failure in their protocol. */
export async function relayStream(
  answer: UpstreamAnswer,
  headers: Reply['headers'],
  framer: Framer,
  relaying: Relaying,
): Promise<Reply> {
  const { lease, record, meter, signal, clock } = relaying;
  const { body } = answer;
  const failIfDamaged = () => {
    if (framer.damage !== undefined) throw framer.damage;
  };
  /**
   * The pieces of the next whole messages, none while they have yet to come, or undefined at the end of the stream. What
   * is whole goes out before damage behind it counts.
   */
  const next = (): readonly Buffer[] | undefined => {
    failIfDamaged();
    const chunk = body.take();
    if (chunk === undefined) return body.ended ? rest() : NONE;
    const messages = framer.push(chunk);
    // Bounded by the longest message. The answer is paid: it is not given up for want of memory.
    lease.hold(framer.pending);
    // Nothing need come behind damage: who waited for it would wait until Bedrock had been silent for too long.
    if (messages.length === 0) failIfDamaged();
    return messages;
  };
  /** A clean end of the connection is the end of the answer only if the last event of its message has come. */
  const rest = (): readonly Buffer[] | undefined => {
    const bytes = framer.end();
    meter.read(bytes);
    if (!meter.endedWhole()) throw new ProxyError('upstreamBroken', 'Bedrock ended the stream before its last event.');
    return bytes.length > 0 ? bytes : undefined;
  };
  let messages = next();
  for (; messages?.length === 0; messages = next()) await body.ready();
  // A message of our own may follow.
  delete headers['content-length'];

  const writeBody = async (response: ServerResponse): Promise<void> => {
    try {
      for (; messages !== undefined; messages = next()) {
        // One promise for an event at the most, since this is done for each of them.
        const pause = messages.length === 0 ? body.ready() : write(response, messages, relaying);
        if (pause !== undefined) await pause;
      }
      endAtDeadline(response, signal, record);
    } catch (error) {
      record.failed(error);
      answer.abort();
      if (!(error instanceof CallerGone)) await endByFailure(response, framer.failure(toProxyError(error)), clock);
    }
  };
  return { status: answer.status, headers, writeBody };
}
