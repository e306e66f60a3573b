import type { IncomingMessage } from 'node:http';
import { createApp } from './fixture.ts';
import { startFunctionsHost, type FunctionsHost, type FunctionsHostOptions } from './host.ts';

/**
 * One function a behaviour. `/release` lets whatever waits for it go on. Each request to the library's server is logged,
 * and each connection that ends before its answer.
 */
const APP = `
const { once, EventEmitter } = require('node:events');
const events = new EventEmitter().setMaxListeners(0);
const live = new Map();
let produced = 0;
require('node:diagnostics_channel').subscribe('http.server.request.start', (message) => {
  const id = message.request.headers['x-ms-invocation-id'];
  const { request, response } = message;
  console.log('request ' + request.url);
  live.set(id, message);
  events.emit(id);
  response.once('close', () => { if (!response.writableFinished) console.log('closed ' + request.url); });
});
const serve = (route, handler, methods = ['GET', 'POST']) =>
  app.http(route, { route, methods, authLevel: 'anonymous', handler: (_request, context) => handler(context) });

serve('ok', () => ({ body: 'ok' }));
serve('throw', () => { throw new Error('boom'); });
serve('release', () => { events.emit('release'); return { body: 'released' }; });
serve('wait', async () => { await once(events, 'release'); return { body: 'late' }; });
serve('hang', () => new Promise(() => {}));
serve('exit', () => process.exit(0));
serve('stream', () => ({ body: (async function* () { yield 'first'; await once(events, 'release'); yield 'second'; })() }));
serve('flushed', (context) => ({
  body: (async function* () {
    live.get(context.invocationId).response.flushHeaders();
    console.log('headers are out');
    await once(events, 'release');
    yield 'late';
  })(),
}));
serve('early', () => ({ status: 413, body: 'too large' }));
serve('break', (context) => ({
  body: (async function* () {
    yield 'first';
    await once(events, 'release');
    live.get(context.invocationId).response.destroy();
  })(),
}));
serve('short', (context) => {
  live.get(context.invocationId).server.keepAliveTimeout = 1;
  return { headers: { 'content-length': '10' }, body: 'short' };
});
serve('destroy', async (context) => {
  const again = once(events, context.invocationId);
  live.get(context.invocationId).response.destroy();
  if (live.get(context.invocationId).request.method === 'GET') await again;
  return { body: 'second answer' };
});
serve('flood', (context) => ({
  body: (async function* () {
    const { response } = live.get(context.invocationId);
    for (; produced < 1024; produced += 1) {
      yield Buffer.alloc(65536);
      if (response.writableNeedDrain) await once(response, 'drain');
    }
  })(),
}));
serve('environment', () => ({ jsonBody: process.env }));
serve('produced', () => ({ body: String(produced) }));
app.hook.appTerminate(() => console.log('terminating'));
`;

/** The app in a folder, and the hosts that run it. */
export interface Behaviours {
  start(options?: FunctionsHostOptions): Promise<FunctionsHost>;
  stopHosts(): Promise<void>;
  remove(): Promise<void>;
}

export async function createBehaviours(): Promise<Behaviours> {
  const { directory, remove } = await createApp(APP, { extensions: { http: { routePrefix: '' } } });
  const started: FunctionsHost[] = [];
  return {
    async start(options) {
      const host = await startFunctionsHost({ appDirectory: directory, timeoutGraceMs: 50, ...options });
      started.push(host);
      return host;
    },
    async stopHosts() {
      await Promise.all(started.splice(0).map((host) => host.stop()));
    },
    remove,
  };
}

/** Resolves with the first log line from now on that has this text. */
export function logged(host: FunctionsHost, part: string): Promise<string> {
  return new Promise((resolve) => {
    const off = host.onLog(({ message }) => {
      if (!message.includes(part)) return;
      off();
      resolve(message);
    });
  });
}

/** The next chunk; what follows waits to be read. */
export function nextChunk(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    response.once('data', (chunk: Buffer) => {
      response.pause();
      resolve(chunk.toString());
    });
  });
}

/** The names of these promises in the order in which they end. */
export async function order(promises: Record<string, Promise<unknown>>): Promise<string[]> {
  const ended: string[] = [];
  await Promise.all(Object.entries(promises).map(([name, promise]) => promise.then(() => ended.push(name))));
  return ended;
}
