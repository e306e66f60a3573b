import { createServer } from 'node:http';

import { buildBundles } from '../../infra/build/build.ts';
import { ConfigError } from '../../src/config/settings.ts';
import { banner } from './banner.ts';
import { readPort, readTarget, SetupError } from './environment.ts';
import { startLocalProxy } from './local-proxy.ts';
import { terminalLine } from './log-line.ts';
import { listen } from '../support/listen.ts';

/** `npm run dev`: gateway, Functions host and function kept running on 127.0.0.1, for clients of all kinds. */

/** A small model that is offered on demand in many regions. */
const MODEL = 'amazon.nova-lite-v1:0';

async function run(): Promise<void> {
  const target = readTarget(process.env);
  const port = readPort(process.env);
  // Before the build: whatever has the port may be another one of these, which runs that bundle.
  await (await listen(createServer(), port)).close();
  await buildBundles();
  const proxy = await startLocalProxy(target, port);
  const { url, subscriptionKey: key } = proxy.gateway;
  const silence = proxy.host.onLog((line) => {
    const text = terminalLine(line);
    if (text !== undefined) console.log(text);
  });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    // The terminal signals the worker too, whose end is not worth a line then; npm signals a second time.
    silence();
    stopping ??= proxy.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  console.log(banner(target, { url, key, region: proxy.region, modelId: MODEL }));
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
