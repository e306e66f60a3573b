import type { ServerResponse } from 'node:http';

import type { UpstreamAnswer } from '../aws/upstream.ts';
import { tooMuchBuffered } from '../buffer-budget.ts';
import { CallerGone, type ProxyError, toProxyError } from '../errors.ts';
import type { Reply } from '../http/reply.ts';
import type { Framer } from '../streams/framer.ts';
import { type Relaying, write } from './write.ts';

/** Relays a stream of messages: whole ones only, so that one of our own can tell of a failure in their protocol. */
export async function relayStream(
  answer: UpstreamAnswer,
  headers: Reply['headers'],
  framer: Framer,
  relaying: Relaying,
): Promise<Reply> {
  let overflow: ProxyError | undefined;
  /**
   * The pieces of the next whole messages, or undefined at the end of the stream. What is whole goes out before a failure
   * counts, one of this turn included.
   */
  const next = async (): Promise<readonly Buffer[] | undefined> => {
    for (;;) {
      const failure = framer.damage ?? overflow;
      if (failure !== undefined) throw failure;
      const chunk = await answer.read();
      if (chunk === undefined) {
        const rest = framer.end();
        return rest.length > 0 ? rest : undefined;
      }
      const messages = framer.push(chunk);
      if (!relaying.lease.resize(framer.pending)) overflow = tooMuchBuffered();
      if (messages.length > 0) return messages;
    }
  };
  const first = await next();
  // A message of our own may follow.
  delete headers['content-length'];

  const writeBody = async (response: ServerResponse): Promise<void> => {
    try {
      for (let messages = first; messages !== undefined; messages = await next()) {
        await write(response, messages, relaying);
      }
    } catch (error) {
      relaying.record.failed(error);
      answer.abort();
      if (!(error instanceof CallerGone)) response.write(framer.failure(toProxyError(error)));
    }
  };
  return { status: answer.status, headers, writeBody };
}
