import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

import { type Answer, createCollector } from './answer.ts';
import { type NoAnswer, toNoAnswer } from './no-answer.ts';

/** The deployed API, as a client calls it. */
export interface Endpoint {
  /** Origin and path, without a slash at the end. */
  readonly url: string;
  readonly origin: string;
  /** Path of the API, without a slash at the end; may be empty. */
  readonly path: string;
  readonly isTls: boolean;
  /** Headers that hold the subscription key. */
  readonly key: OutgoingHttpHeaders;
  /** The same as bearer token. */
  readonly bearer: OutgoingHttpHeaders;
  /**
   * Sends one request over HTTP/1.1, on a connection of its own, and reads the answer to its end.
   *
   * @returns what prevented an answer, where there was none; an answer that broke off is one, with `complete` false
   */
  ask(question: Question): Promise<Answer | NoAnswer>;
  readonly onAnswer: OnAnswer;
}

/** Told of every answer. */
export type OnAnswer = (question: Question, answer: Answer) => void;

export interface Question {
  readonly method?: 'GET' | 'POST' | 'OPTIONS';
  /** Below the API's path; sent as it is. */
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Sent as JSON. */
  readonly body?: object;
  /** The model that the path names, decoded. */
  readonly modelId?: string;
  /** Only the head is sent, and the answer awaited: it tells of a body that does not come. */
  readonly headOnly?: true;
  /** Time for the answer, where it needs less than others. */
  readonly timeoutMs?: number;
}

export interface EndpointOptions {
  readonly key: string;
  /** Time for one answer, to its end. */
  readonly timeoutMs: number;
  readonly onAnswer: OnAnswer;
}

/** @param url as `parseUrl` has checked it */
export function createEndpoint(url: URL, { key, timeoutMs, onAnswer }: EndpointOptions): Endpoint {
  const path = url.pathname.replace(/\/+$/, '');
  const isTls = url.protocol === 'https:';
  const send = isTls ? httpsRequest : httpRequest;

  async function ask(question: Question): Promise<Answer | NoAnswer> {
    const { method, path: below, headers, body, headOnly } = question;
    const withinMs = Math.min(question.timeoutMs ?? timeoutMs, timeoutMs);
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const startedAt = performance.now();
    const outgoing = send({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      method: method ?? (content === undefined ? 'GET' : 'POST'),
      path: path + below,
      agent: false,
      headers: {
        ...(content && { 'content-type': 'application/json', 'content-length': content.length }),
        ...headers,
      },
      signal: AbortSignal.timeout(withinMs),
    });
    try {
      if (headOnly) outgoing.flushHeaders();
      else outgoing.end(content);
      const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
      const answer = await collect(incoming, startedAt);
      onAnswer(question, answer);
      return answer;
    } catch (error) {
      return toNoAnswer(error, withinMs);
    } finally {
      // The rest, of a body that was not sent or an answer that was not read, is of no use.
      outgoing.on('error', () => {});
      outgoing.destroy();
    }
  }

  const { origin } = url;
  return {
    url: origin + path,
    origin,
    path,
    isTls,
    key: { 'api-key': key },
    bearer: { authorization: `Bearer ${key}` },
    ask,
    onAnswer,
  };
}

async function collect(incoming: IncomingMessage, startedAt: number): Promise<Answer> {
  const { statusCode = 0, headers } = incoming;
  const collector = createCollector(statusCode, headers, startedAt);
  try {
    for await (const piece of incoming) collector.add(piece as Buffer);
    return collector.end(incoming.complete);
  } catch {
    return collector.end(false);
  }
}
