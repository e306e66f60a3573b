import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { settingsOf } from './contenders/functions-host.ts';
import type { Started } from './start-up-process.ts';
import { startStartUpServers, type StartUpServers } from './start-up-servers.ts';
import { callOf, WORKS } from './works.ts';
import { root } from '../support/root.ts';

/** A kind of start. */
interface StartKind {
  readonly title: string;
  /** Absent for the floor, which signs nothing. */
  readonly keys?: 'environment' | 'vault';
  /** V8 finds compiled code on the disk (`NODE_COMPILE_CACHE`). */
  readonly compileCache?: true;
  /** Between the moment the worker is ready and the first call; the real host is busy with itself for a while too. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 300;

/** The kinds that are measured. */
export const STARTS = {
  floor: { title: 'the floor' },
  environment: { title: 'keys in the environment', keys: 'environment' },
  environmentCached: { title: 'the same with a compile cache', keys: 'environment', compileCache: true },
  environmentLater: { title: `the same, called ${PAUSE_MS} ms later`, keys: 'environment', pauseMs: PAUSE_MS },
  vault: { title: 'keys in Key Vault', keys: 'vault' },
  vaultCached: { title: 'the same with a compile cache', keys: 'vault', compileCache: true },
  vaultLater: { title: `the same, called ${PAUSE_MS} ms later`, keys: 'vault', pauseMs: PAUSE_MS },
} as const satisfies Record<string, StartKind>;

export type StartName = keyof typeof STARTS;

/** Milestones of a start, in milliseconds since the start of the process, in their usual order. */
export interface StartFigures {
  /** Node runs code. */
  readonly node: number;
  /** The bundle has registered its function. */
  readonly registered: number;
  /** The library's server listens: the host can send calls. */
  readonly listening: number;
  /** The managed identity is asked for a token: the Azure SDKs are loaded. Absent with keys in the environment. */
  readonly token?: number;
  /** The vault is asked for the first time. Absent as above. */
  readonly secret?: number;
  /** The TLS connection to Bedrock stands. */
  readonly tls?: number;
  /** The first call, which is signed, has its whole answer. */
  readonly answered: number;
  /** How long that call took. */
  readonly firstCall: number;
}

/** Starts each kind of worker so many times, in turns. */
export async function measureStarts(count: number): Promise<Map<StartName, StartFigures[]>> {
  const servers = await startStartUpServers();
  const cache = await mkdtemp(join(tmpdir(), 'bench-compile-cache-'));
  const names = Object.keys(STARTS) as StartName[];
  const figures = new Map<StartName, StartFigures[]>(names.map((name) => [name, []]));
  try {
    // The first one of each fills the caches of the disk and of V8.
    for (let index = -1; index < count; index += 1) {
      for (const name of names) {
        const measured = await start(servers, settingsFor(STARTS[name], servers, cache), STARTS[name]);
        if (index >= 0) figures.get(name)?.push(measured);
      }
    }
  } finally {
    await servers.close();
    await rm(cache, { recursive: true });
  }
  return figures;
}

function settingsFor(
  { keys, compileCache }: StartKind,
  servers: StartUpServers,
  cache: string,
): Record<string, string> {
  return {
    ...(keys === undefined ? { UPSTREAM: servers.upstreamUrl } : settingsOf(servers.upstreamUrl)),
    NODE_EXTRA_CA_CERTS: servers.certificateFile,
    ...(keys === 'vault' ? servers.vaultSettings : {}),
    ...(compileCache === true ? { NODE_COMPILE_CACHE: cache } : {}),
  };
}

async function start(
  { upstream, vault, identity, expectSignatures }: StartUpServers,
  environment: Record<string, string>,
  { keys, pauseMs = 0 }: StartKind,
): Promise<StartFigures> {
  const unixTimes: { token?: number; secret?: number; tls?: number } = {};
  const note = (milestone: keyof typeof unixTimes) => () => {
    unixTimes[milestone] ??= performance.timeOrigin + performance.now();
  };
  void identity.nextRequest().then(note('token'));
  void vault.nextRequest().then(note('secret'));
  expectSignatures(keys !== undefined);
  upstream.once('secureConnection', note('tls'));

  const child = fork(join(import.meta.dirname, 'start-up-process.ts'), [keys === undefined ? FLOOR : BUNDLE], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [started] = (await once(child, 'message')) as [Started];
  if (pauseMs > 0) await sleep(pauseMs);
  const called = performance.timeOrigin + performance.now();
  await callOnce(started);
  const answered = performance.timeOrigin + performance.now();
  child.disconnect();
  await once(child, 'exit');

  const { origin, node, registered, listening } = started;
  const seen = Object.entries(unixTimes).map(([milestone, at]) => [milestone, at - origin]);
  return {
    node,
    registered,
    listening,
    ...Object.fromEntries(seen),
    answered: answered - origin,
    firstCall: answered - called,
  };
}

const BUNDLE = join(root, 'dist/index.cjs');
const FLOOR = join(import.meta.dirname, 'floor/index.ts');

/** The call as the Functions host sends it to the worker. */
async function callOnce({ port, invocationId }: Started): Promise<void> {
  const { path, body } = callOf(WORKS.small1, 'bedrock');
  const headers = {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-forwarded-host': 'localhost',
    'x-forwarded-proto': 'https',
    'x-ms-invocation-id': invocationId,
  };
  const call = request({ host: '127.0.0.1', port, path, method: 'POST', headers, agent: false }).end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  if (response.statusCode !== 200) throw new Error(`The first call was answered with ${response.statusCode}.`);
}
