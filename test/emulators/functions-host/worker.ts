import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { FromWorker, HttpFunction, LogLevel, RpcError, ToWorker } from './messages.ts';
import { provideCoreModule, type AppContext } from './worker-core.ts';
import { runInvocation } from './worker-invocation.ts';

/**
 * The worker process: loads the app and runs its functions for the host that forked it. Arguments: the app's folder,
 * the entry file relative to it, and `module` or `commonjs`.
 */

const [appDirectory = '', entry = '', format] = process.argv.slice(2);

function send(message: FromWorker, sent?: () => void): void {
  // The host may be gone already; `disconnect` below ends this process then.
  if (process.connected) process.send?.(message, undefined, {}, () => sent?.());
}

function toRpcError(thrown: unknown): RpcError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { message: error.message, stack: error.stack ?? error.message };
}

async function loadEntryPoint(): Promise<void> {
  const file = join(appDirectory, entry);
  try {
    if (format === 'module') await import(pathToFileURL(file).href);
    else createRequire(file)(file);
  } catch (error) {
    const { message } = toRpcError(error);
    throw new Error(`Worker was unable to load entry point "${entry}": ${message}`, { cause: error });
  }
}

function httpFunctions(app: AppContext): HttpFunction[] {
  return [...app.functions.values()].flatMap(({ metadata }) => {
    const trigger = Object.values(metadata.bindings).find((binding) => binding.type === 'httpTrigger');
    if (!trigger) return [];
    const { route, methods = [], authLevel = 'function' } = trigger;
    return [{ name: metadata.name, methods, authLevel, ...(route === undefined ? {} : { route }) }];
  });
}

async function start(app: AppContext): Promise<void> {
  await loadEntryPoint();
  await app.runHooks('appStart', { hookData: {}, functionAppDirectory: appDirectory });
  // The library starts its HTTP server here, when the app asked for `enableHttpStream`.
  const capabilities = await app.programmingModel?.getCapabilities({});
  app.locked = true;
  const httpUri = capabilities?.['HttpUri'];
  send({ type: 'started', functions: httpFunctions(app), ...(httpUri === undefined ? {} : { httpUri }) });
}

async function invoke(app: AppContext, request: Extract<ToWorker, { type: 'invocationRequest' }>): Promise<void> {
  const { invocationId, functionName } = request;
  try {
    await runInvocation(app, request, (level, category, message) =>
      send({ type: 'log', level, message, user: category === 'user', invocationId, functionName }),
    );
    send({ type: 'invocationResponse', invocationId });
  } catch (error) {
    send({ type: 'invocationResponse', invocationId, error: toRpcError(error) });
  }
}

async function terminate(app: AppContext): Promise<void> {
  await app.runHooks('appTerminate', { hookData: {} });
  // Sent last, so that the log lines before it are out when it is. A normal exit also writes what was covered.
  send({ type: 'log', level: 'debug', message: 'Worker terminated.', user: false }, () => process.exit(0));
}

function reportUsage(): void {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  send({ type: 'workerStatusResponse', usage: { rss, heapUsed, cpuMicroseconds: user + system } });
}

const app = provideCoreModule((level: LogLevel, message: string) => send({ type: 'log', level, message, user: false }));
process.on('message', (message: ToWorker) => {
  if (message.type === 'invocationRequest') void invoke(app, message);
  else if (message.type === 'workerStatusRequest') reportUsage();
  else void terminate(app);
});
process.on('disconnect', () => process.exit());
start(app).catch((error: unknown) => {
  const { message, stack } = toRpcError(error);
  send({ type: 'failed', error: { message, stack } });
});
