import { createServer } from 'node:http';

import { buildBundles } from '../../infra/build/build.ts';
import { SetupError } from '../../infra/build/local-settings.ts';
import { ConfigError } from '../../src/config/reader.ts';
import { endWithReader } from '../support/closed-pipe.ts';
import { listen } from '../support/listen.ts';
import { banner, pasteboard } from './banner.ts';
import { readEnvironment, readHttps, readPort, readTarget, readWishes } from './environment.ts';
import { gatewayLine, unnamedRequests } from './gateway-line.ts';
import { startLocalProxy } from './local-proxy.ts';
import { terminalLine } from './log-line.ts';

/** `npm run dev`: gateway, Functions host and function kept running on 127.0.0.1, for clients of all kinds. */

/** A small model that is offered on demand in many regions. */
const MODEL = 'amazon.nova-lite-v1:0';

async function run(): Promise<void> {
  endWithReader(process.stdout);
  const wishes = readWishes(process.argv.slice(2));
  const { environment, fromFile } = await readEnvironment(process.env, process.cwd());
  const target = readTarget(environment, wishes);
  const port = readPort(environment);
  const https = readHttps(environment);
  // Before the build: whatever has the port may be another one of these, which runs that bundle.
  await (await listen(createServer(), port)).close();
  // A Bedrock that is out of reach makes this take seconds.
  console.log('Building and starting the function, its host and the gateway …');
  await buildBundles();
  let print = (line: string | undefined): void => {
    if (line !== undefined) console.log(line);
  };
  const unnamed = unnamedRequests();
  const proxy = await startLocalProxy(target, {
    port,
    https,
    // A record can be here before the answer is at the gateway.
    onForward: unnamed.add,
    onAnswer: (request, answer) => print(gatewayLine(request, answer, new Date())),
  });
  proxy.host.onLog((line) => print(terminalLine(line, unnamed.take)));
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    // The terminal signals the worker too, whose end is not worth a line then; npm signals a second time.
    print = () => {};
    stopping ??= proxy.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const { url, key, region, certificate } = proxy;
  const client = { url, key, region, modelId: MODEL, ...(certificate === undefined ? {} : { certificate }) };
  if (wishes.snippets) console.log(pasteboard(client, target));
  const profile = Boolean(environment['AWS_PROFILE']);
  console.log(banner({ target, client, fromFile, profile }));
}

function explain(error: unknown): string | undefined {
  if (error instanceof SetupError || error instanceof ConfigError) return error.message;
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return undefined;
  if (error.code === 'EACCES')
    return `Port ${String(error.port)} needs more rights. Choose another: PORT=7072 npm run dev`;
  if (error.code !== 'EADDRINUSE') return undefined;
  return `Port ${String(error.port)} is taken. Stop what uses it, or choose another: PORT=7072 npm run dev`;
}

try {
  await run();
} catch (error) {
  const explanation = explain(error);
  if (explanation === undefined) throw error;
  console.error(explanation);
  process.exit(1);
}
