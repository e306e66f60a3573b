import type { ServerResponse } from 'node:http';

import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { Reply } from '../http/reply.ts';
import { returnedHeaders } from '../http/response-headers.ts';
import { framerFor } from '../streams/format.ts';
import type { EventDialect } from '../streams/server-sent-events.ts';
import { addUsageHeaders } from '../usage/headers.ts';
import { tooMuchBuffered } from '../buffer-budget.ts';
import { relayStream } from './relay-stream.ts';
import { type Relaying, write } from './write.ts';

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
 * @throws ProxyError as `UpstreamAnswer.read` does, or `unavailable` when the process holds too much already
 */
export async function relay(
  answer: UpstreamAnswer,
  dialect: EventDialect | undefined,
  relaying: Relaying,
): Promise<Reply> {
  const headers = returnedHeaders(answer.headers);
  const framer = framerFor(answer, dialect);
  try {
    if (framer !== undefined) return await relayStream(answer, headers, framer, relaying);
    return await relayBody(answer, headers, relaying);
  } catch (error) {
    answer.abort();
    throw error;
  }
}

async function relayBody(answer: UpstreamAnswer, headers: Reply['headers'], relaying: Relaying): Promise<Reply> {
  const { lease, record, meter } = relaying;
  const chunks: Buffer[] = [];
  let length = 0;
  while (length <= HELD_BYTES) {
    const chunk = await answer.read();
    if (chunk === undefined) {
      // Counted as a whole, whether or not the caller takes all of it.
      meter.read(chunks);
      addUsageHeaders(headers, meter.end(true));
      return wholeReply(answer.status, headers, chunks, length, relaying);
    }
    chunks.push(chunk);
    length += chunk.length;
    if (!lease.resize(length)) throw tooMuchBuffered();
  }
  addUsageHeaders(headers, meter.announced);

  const writeBody = async (response: ServerResponse): Promise<void> => {
    try {
      await write(response, chunks.splice(0), relaying);
      lease.release();
      for (let chunk = await answer.read(); chunk !== undefined; chunk = await answer.read()) {
        await write(response, [chunk], relaying);
      }
    } catch (error) {
      record.failed(error);
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
  { record }: Relaying,
): Reply {
  if (length === 0 || BODILESS.has(status)) {
    // The caller would wait for what is not sent (205 with a body, against RFC 9110 section 15.3.6).
    if (length > 0) delete headers['content-length'];
    return { status, headers };
  }
  headers['content-length'] = String(length);
  record.sent(body);
  return { status, headers, body };
}
