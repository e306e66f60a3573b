import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { type RawAnswer, readAnswers } from './answers.ts';

/** A connection on which a test writes bytes of its own, without an HTTP client that would mend them. */
export interface Connection {
  readonly socket: Socket;
  send(bytes: string | Buffer): void;
  /** What came so far: whole answers only. */
  received(): RawAnswer[];
  /** Settles when there are `count` whole answers, or the server has closed the connection. */
  answers(count: number): Promise<RawAnswer[]>;
  /** Settles when the connection is closed, whoever closed it. */
  readonly closed: Promise<void>;
}

/** @param methods of the requests that will be sent, in turn */
export async function openConnection(port: number, methods: readonly string[] = ['POST']): Promise<Connection> {
  // The server's end of the connection must not end ours: what is written after it is part of the test.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const chunks: Buffer[] = [];
  let ended = false;
  let change = Promise.withResolvers<void>();
  const wake = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      ended = true;
      wake();
      resolve();
    });
  });
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  socket.once('end', () => {
    ended = true;
    wake();
    socket.end();
  });
  await Promise.race([once(socket, 'connect'), closed]);
  const received = () => readAnswers(Buffer.concat(chunks), methods, ended);
  return {
    socket,
    send(bytes) {
      if (socket.writable) socket.write(bytes);
    },
    received,
    async answers(count) {
      for (;;) {
        const complete = received();
        if (complete.length >= count || ended) return complete;
        await change.promise;
      }
    },
    closed,
  };
}

/** Sends the bytes and waits for the first answer; undefined when the connection was closed without one. */
export async function exchange(port: number, bytes: string | Buffer, method = 'POST'): Promise<RawAnswer | undefined> {
  const connection = await openConnection(port, [method]);
  connection.send(bytes);
  const [answer] = await connection.answers(1);
  connection.socket.destroy();
  return answer;
}
