import type { AddressInfo, Server, Socket } from 'node:net';

/** A server that accepts connections on the loopback interface. */
export interface Listening {
  /** Origin without a trailing slash, for instance `http://127.0.0.1:49152`. */
  readonly url: string;
  readonly port: number;
  /** Sockets open now, those of idle keep-alive connections included. */
  readonly sockets: ReadonlySet<Socket>;
  /** Stops listening and destroys every open socket. */
  close(): Promise<void>;
}

/** Starts `server` on 127.0.0.1; port 0 lets the system choose. Rejects when the port is taken. */
export async function listen(server: Server, port = 0): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    sockets,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
