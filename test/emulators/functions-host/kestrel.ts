import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';

import type { Clock, Timer } from '../../../src/clock.ts';
import { type BodyReader, readChunks, readLength } from './kestrel-body.ts';
import { readHead, type RequestHead, type Refusal } from './kestrel-head.ts';

/** A request that arrives, in Kestrel's reading. */
export interface Arrival {
  readonly head: RequestHead | Refusal;
  /** Aborted when the rest of the body does not come: its chunks are none, or it stalls. */
  readonly broken: AbortSignal;
}

export interface KestrelOptions {
  /** `MinRequestBodyDataRate`: so many milliseconds of grace, and then 240 bytes a second. */
  readonly uploadGraceMs: number;
  readonly clock: Clock;
}

const BYTES_A_SECOND = 240;
const CHECK_MS = 250;

/** Requests of a connection that Node's server has not announced yet. */
const arrivals = new WeakMap<object, Arrival[]>();

/**
 * A server that reads requests as Kestrel does, before Node's own server, whose parser is another one, sees them: what
 * that gets is a request of the same framing without anything in it, and `arrivalOf` tells what was sent.
 */
export function createKestrel(http: Server, options: KestrelOptions): NetServer {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    http.emit('connection', connection(socket, options));
  });
}

/** What arrived as this request; the request is made to look like it. */
export function arrivalOf(request: IncomingMessage): Arrival {
  const arrival = arrivals.get(request.socket)?.shift();
  if (arrival === undefined) throw new Error('A request that did not come by the Kestrel emulator.');
  if (!('refusal' in arrival.head)) {
    const { method, target, rawHeaders, headers } = arrival.head;
    Object.assign(request, { method, url: target, rawHeaders, headers });
  }
  return arrival;
}

/** Closes the connection behind this answer. */
export function closeBehind(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close');
}

function connection(socket: Socket, { uploadGraceMs, clock }: KestrelOptions): Duplex {
  const announced: Arrival[] = [];
  let text: Buffer = Buffer.alloc(0);
  let body: { reader: BodyReader; chunked: boolean; fail: () => void; since: number; received: number } | undefined;
  /** Nothing that follows on this connection is read. */
  const end = { reached: false };

  const duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, () => done()),
    final: (done) => void socket.end(() => done()),
    destroy(error, done) {
      stopWatch();
      socket.destroy();
      done(error);
    },
  });
  arrivals.set(duplex, announced);
  Object.assign(duplex, {
    remoteAddress: socket.remoteAddress,
    remotePort: socket.remotePort,
    destroySoon: () => duplex.end(() => socket.destroySoon()),
  });

  const push = (bytes: Buffer | string) => {
    if (!duplex.push(bytes)) socket.pause();
  };
  const breakBody = () => {
    stopWatch();
    end.reached = true;
    body?.fail();
    body = undefined;
  };
  let watch: Timer | undefined;
  const stopWatch = () => {
    watch?.cancel();
    watch = undefined;
  };
  const isTooSlow = () => {
    if (body === undefined || socket.isPaused()) return false;
    const elapsed = clock.now() - body.since;
    return elapsed > uploadGraceMs && body.received < (elapsed / 1000) * BYTES_A_SECOND;
  };
  const watchRate = () => {
    watch = clock.after(CHECK_MS, () => {
      if (isTooSlow()) breakBody();
      else watchRate();
    });
  };

  const begin = (head: RequestHead | Refusal) => {
    const failure = new AbortController();
    announced.push({ head, broken: failure.signal });
    if ('refusal' in head) {
      end.reached = true;
      return push('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    }
    push(emptyHead(head));
    if (head.body === 0) return undefined;
    const chunked = head.body === 'chunked';
    body = {
      reader: head.body === 'chunked' ? readChunks() : readLength(head.body),
      chunked,
      fail: () => failure.abort(),
      since: clock.now(),
      received: 0,
    };
    if (watch === undefined) watchRate();
    return undefined;
  };

  const takeBody = (reading: NonNullable<typeof body>, bytes: Buffer): Buffer | undefined => {
    reading.received += bytes.length;
    try {
      const { data, rest } = reading.reader.push(bytes);
      for (const piece of data) {
        if (piece.length === 0) continue;
        if (reading.chunked) push(`${piece.length.toString(16)}\r\n`);
        push(piece);
        if (reading.chunked) push('\r\n');
      }
      if (rest === undefined) return undefined;
      if (reading.chunked) push('0\r\n\r\n');
      body = undefined;
      stopWatch();
      return rest;
    } catch {
      breakBody();
      return undefined;
    }
  };

  const take = (bytes: Buffer) => {
    let rest: Buffer | undefined = bytes;
    while (rest !== undefined && rest.length > 0 && !end.reached) {
      if (body !== undefined) {
        rest = takeBody(body, rest);
        continue;
      }
      text = text.length === 0 ? rest : Buffer.concat([text, rest]);
      const head = readHead(text.toString('latin1', 0, 65_536));
      if (head === undefined) return;
      rest = text.subarray(head.length);
      text = Buffer.alloc(0);
      begin(head);
    }
  };

  socket.on('data', take);
  socket.once('end', () => duplex.push(null));
  socket.on('error', () => {});
  socket.once('close', () => duplex.destroy());
  duplex.on('error', () => {});
  return duplex;
}

/** A request of the same framing, which Node's parser takes whatever was sent. */
function emptyHead({ method, headers, keepAlive, minorVersion, body }: RequestHead): string {
  const lines = [`${method === 'HEAD' || method === 'GET' ? method : 'POST'} / HTTP/1.${minorVersion}`, 'Host: x'];
  lines.push(`Connection: ${keepAlive ? 'keep-alive' : 'close'}`);
  if (body === 'chunked') lines.push('Transfer-Encoding: chunked');
  else if (body > 0) lines.push(`Content-Length: ${Math.min(body, Number.MAX_SAFE_INTEGER)}`);
  if (/^100-continue$/i.test(headers['expect'] ?? '')) lines.push('Expect: 100-continue');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
