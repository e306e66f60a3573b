import type { ServerResponse } from 'node:http';

import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { Reply } from '../http/reply.ts';
import { returnedHeaders } from '../http/returned-headers.ts';
import { type FailureForms, framerFor } from '../streams/format.ts';
import { addUsageHeaders } from '../usage/headers.ts';
import { endAtDeadline } from './ending.ts';
import { relayStream } from './relay-stream.ts';
import { type Relaying, write } from './write.ts';

/** Answers up to this size are held until they are whole, so that a cut one becomes an error instead of half a JSON. */
const HELD_BYTES = 1024 * 1024;

/** Statuses that have no body (RFC 9110 section 6.4.1). */
const BODILESS = new Set([204, 205, 304]);

/** Of these, the one whose length would be that of another answer, so it may be told (RFC 9110 section 8.6). */
const NOT_MODIFIED = 304;

/**
 * Turns Bedrock's answer into the reply: the same status, headers and bytes.
 *
 * Resolves when the first bytes are there to be sent, which for an event stream is its first whole message: what fails
 * before can still be told by a status. The headers do not leave the host before the first byte anyway.
 *
 * @throws ProxyError as `UpstreamAnswer.read` does
 */
export async function relay(answer: UpstreamAnswer, forms: FailureForms, relaying: Relaying): Promise<Reply> {
  const headers = returnedHeaders(answer.headers);
  const framer = framerFor(answer, forms);
  try {
    if (framer !== undefined) return await relayStream(answer, headers, framer, relaying);
    return await relayBody(answer, headers, relaying);
  } catch (error) {
    answer.abort();
    throw error;
  }
}

async function relayBody(answer: UpstreamAnswer, headers: Reply['headers'], relaying: Relaying): Promise<Reply> {
  const { lease, record, meter, signal } = relaying;
  const chunks: Buffer[] = [];
  let length = 0;
  let hasRoom = true;
  while (hasRoom && length <= HELD_BYTES) {
    const chunk = await answer.read();
    if (chunk === undefined) {
      // Counted as a whole, whether or not the caller takes all of it.
      meter.read(chunks);
      addUsageHeaders(headers, meter.end(true));
      return wholeReply(answer.status, headers, chunks, length, relaying);
    }
    chunks.push(chunk);
    length += chunk.length;
    // Without room it flows: it is paid, so nothing that is to be tried again may take its place.
    hasRoom = lease.resize(length);
  }
  addUsageHeaders(headers, meter.announced);

  /** A short answer is kept for its usage, after it has gone. */
  const countKept = () => lease.hold(length <= HELD_BYTES ? length : 0);
  const writeBody = async (response: ServerResponse): Promise<void> => {
    try {
      await write(response, chunks.splice(0), relaying);
      countKept();
      for (let chunk = await answer.read(); chunk !== undefined; chunk = await answer.read()) {
        length += chunk.length;
        await write(response, [chunk], relaying);
        countKept();
      }
      endAtDeadline(response, signal, record);
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
  if (BODILESS.has(status)) {
    // The caller would wait for what is not sent.
    if (status !== NOT_MODIFIED) delete headers['content-length'];
    return { status, headers };
  }
  if (length === 0) return { status, headers };
  headers['content-length'] = String(length);
  record.sent(body);
  return { status, headers, body };
}
