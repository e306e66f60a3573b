import type { IncomingHttpHeaders } from 'node:http';

/** Who has made an answer, as its headers tell. */
export type Maker = 'platform' | 'gateway' | 'function' | 'Bedrock';

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What came, up to a limit that no answer to these questions reaches. */
  readonly body: Buffer;
  /** False when it broke off. */
  readonly complete: boolean;
  /** Milliseconds from the request to the headers, and to the last byte. */
  readonly headersMs: number;
  readonly endMs: number;
  /** Milliseconds to each piece of the body, as the network gave them. */
  readonly piecesMs: readonly number[];
}

export interface Collector {
  add(piece: Buffer): void;
  end(complete: boolean): Answer;
}

const MOST_BYTES = 1_048_576;

/** @param startedAt by `performance.now()` */
export function createCollector(status: number, headers: IncomingHttpHeaders, startedAt: number): Collector {
  const since = () => performance.now() - startedAt;
  const headersMs = since();
  const pieces: Buffer[] = [];
  const piecesMs: number[] = [];
  let length = 0;
  return {
    add(piece) {
      piecesMs.push(since());
      length += piece.length;
      if (length <= MOST_BYTES) pieces.push(piece);
    },
    end: (complete) => ({
      status,
      headers,
      body: Buffer.concat(pieces),
      complete,
      headersMs,
      endMs: since(),
      piecesMs,
    }),
  };
}

/** Id of the invocation of the function, where the call has reached it. */
export function invocationId({ headers }: Answer): string | undefined {
  return headers['x-ms-invocation-id']?.toString();
}

/**
 * The function names its own replies after the invocation and passes on Bedrock's id with Bedrock's answers; the gateway's
 * policy has ids of its own; what stands before and between them has none.
 */
export function makerOf(answer: Answer): Maker {
  const requestId = answer.headers['x-amzn-requestid'];
  const invocation = invocationId(answer);
  if (invocation === undefined) return requestId === undefined ? 'platform' : 'gateway';
  return requestId === undefined || requestId === invocation ? 'function' : 'Bedrock';
}

/** The exception's name as AWS SDKs read it, or nothing. */
export function errorTypeOf({ headers }: Answer): string {
  return headers['x-amzn-errortype']?.toString().split(/[:,]/, 1)[0]?.split('#').at(-1) ?? '';
}

export function json({ body }: Answer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** `message` of an error, in one short line. */
export function messageOf(answer: Answer): string {
  const value = json(answer);
  if (typeof value !== 'object' || value === null) return '';
  const { message, Message } = value as { message?: unknown; Message?: unknown };
  const text = typeof message === 'string' ? message : typeof Message === 'string' ? Message : '';
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}

export function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`;
}

/** Whether the function tells that AWS has refused what it has signed. */
export function isSignatureRefused(answer: Answer): boolean {
  return answer.status === 503 && makerOf(answer) === 'function' && /AWS does not accept/.test(messageOf(answer));
}

/** `401 UnauthorizedException of the gateway, 23 ms: <message>` */
export function describe(answer: Answer): string {
  const type = errorTypeOf(answer);
  const message = messageOf(answer);
  const what = [String(answer.status), ...(type === '' ? [] : [type])].join(' ');
  return `${what} of ${NAMES[makerOf(answer)]}, ${milliseconds(answer.headersMs)}${message === '' ? '' : `: ${message}`}`;
}

const NAMES: Readonly<Record<Maker, string>> = {
  platform: 'neither policy nor function',
  gateway: 'the gateway',
  function: 'the function',
  Bedrock: 'Bedrock',
};
