import type { ServerResponse } from 'node:http';

import { framerFor } from '../streams/format.ts';
import type { EventDialect } from '../bedrock/runtime.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import { addUsageHeaders } from '../usage/headers.ts';
import { type BufferLease, tooMuchBuffered } from '../buffer-budget.ts';
import { returnedHeaders } from './forwarded-headers.ts';
import { createSend, type Send } from './write.ts';
import { relayMessages } from './relay-stream.ts';
import type { RelayObserver, Reply } from '../http/reply.ts';

/** Answers up to this size are held until they are whole, so that a cut one becomes an error instead of half a JSON. */
const HELD_BYTES = 1024 * 1024;

/** Statuses that have no body (RFC 9110 section 6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/**
 * Turns Bedrock's answer into the reply: the same status, headers and bytes.
 *
 * Resolves when the first bytes are there to be sent, which for an event stream is its first whole message: what fails
 * before can still be told by a status. The headers do not leave the host before the first byte anyway.
 *
 * @param lease for what is held; the caller of this releases it when the connection is done with the answer
 * @param signal ends the writing, also while it waits for a caller that does not read
 * @throws ProxyError as `UpstreamAnswer.read` does, or `unavailable` when the process holds too much already
 */
export async function relay(
  answer: UpstreamAnswer,
  dialect: EventDialect | undefined,
  lease: BufferLease,
  observer: RelayObserver,
  signal: AbortSignal,
): Promise<Reply> {
  const headers = returnedHeaders(answer.headers);
  const framer = framerFor(answer, dialect);
  const send = createSend(observer, signal);
  try {
    if (framer !== undefined) return await relayMessages(answer, headers, framer, lease, observer, send);
    return await relayBytes(answer, headers, lease, observer, send);
  } catch (error) {
    answer.abort();
    throw error;
  }
}

async function relayBytes(
  answer: UpstreamAnswer,
  headers: Reply['headers'],
  lease: BufferLease,
  observer: RelayObserver,
  send: Send,
): Promise<Reply> {
  const chunks: Buffer[] = [];
  let length = 0;
  let whole = false;
  while (length <= HELD_BYTES) {
    const chunk = await answer.read();
    if (chunk === undefined) {
      whole = true;
      break;
    }
    chunks.push(chunk);
    length += chunk.length;
    if (!lease.resize(length)) throw tooMuchBuffered();
  }
  addUsageHeaders(headers, observer.usageAhead(whole ? chunks : undefined));
  if (whole) return wholeReply(answer.status, headers, chunks, length, observer);

  const writeBody = async (response: ServerResponse): Promise<void> => {
    try {
      await send(response, chunks.splice(0));
      lease.release();
      for (let chunk = await answer.read(); chunk !== undefined; chunk = await answer.read()) {
        await send(response, [chunk]);
      }
    } catch (error) {
      observer.failed(error);
      answer.abort();
      // The client must see a broken connection: a clean end would make half an answer look whole.
      response.destroy();
    }
  };
  return { status: answer.status, headers, writeBody };
}

function wholeReply(
  status: number,
  headers: Reply['headers'],
  body: readonly Buffer[],
  length: number,
  observer: RelayObserver,
): Reply {
  if (length === 0 || BODILESS.has(status)) {
    // The caller would wait for what is not sent (205 with a body, against RFC 9110 section 15.3.6).
    if (length > 0) delete headers['content-length'];
    return { status, headers };
  }
  headers['content-length'] = String(length);
  for (const piece of body) observer.sent(piece);
  return { status, headers, body };
}
