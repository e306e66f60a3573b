import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { listen } from '../../support/listen.ts';

const ATTEMPTS = 200;
const PAUSE_MS = 50;

/** A port that was free a moment ago, for servers that cannot be told to choose one. */
export async function freePort(): Promise<number> {
  const { port, close } = await listen(createServer());
  await close();
  return port;
}

/** Waits until somebody listens on the port. Rejects after ten seconds. */
export async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const connected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (connected) return;
    await sleep(PAUSE_MS);
  }
  throw new Error(`Nothing listens on port ${port}.`);
}
