import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../src/clock.ts';
import type { AppFolder } from './app-folder.ts';
import type { HostLog } from './log.ts';
import type {
  FromWorker,
  HttpFunction,
  InvocationRequest,
  LogLevel,
  RpcError,
  ToWorker,
  WorkerUsage,
} from './messages.ts';

export interface WorkerSettings {
  readonly app: AppFolder;
  /** App settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of the Node binary. */
  readonly node: string;
  readonly nodeArguments: readonly string[];
  readonly log: HostLog;
  /** By which the time is counted that a worker has to end. */
  readonly clock: Clock;
}

/** How the worker's part of an invocation ended. `crashed`: the process did, so there is nothing more to wait for. */
export type InvocationResult = { status: 'succeeded' | 'crashed' } | { status: 'failed'; error: RpcError };

export interface WorkerProcess {
  readonly pid: number;
  /** Port of the library's HTTP server. */
  readonly port: number;
  readonly functions: readonly HttpFunction[];
  /** Resolves with the exit code when the process has ended; null after a signal. */
  readonly exited: Promise<number | null>;
  /** Sends an invocation; `onResult` is called at most once, and never when the process exits without an error. */
  invoke(request: InvocationRequest, onResult: (result: InvocationResult) => void): void;
  isExecuting(invocationId: string): boolean;
  usage(): Promise<WorkerUsage>;
  /**
   * WorkerTerminate: `appTerminate` hooks run; after five seconds the process is killed.
   *
   * @param output `unread` when what it writes from now on gets into no log
   */
  terminate(output?: 'unread'): Promise<void>;
  kill(): void;
}

/** `WorkerConstants.WorkerTerminateGracePeriodInSeconds` of azure-functions-host. */
const TERMINATE_GRACE_MS = 5000;

/** Variables that the worker gets from this process; everything else of the app's environment is an app setting. */
const INHERITED = ['COVERAGE_FOLDER', 'HOME', 'LANG', 'PATH', 'SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'TZ'];

/** In `npm test` the worker counts what it runs of the app. */
const COVERAGE = ['--require', fileURLToPath(new URL('../../setup/collect-coverage.cjs', import.meta.url))];

/** Forks a worker and waits until the app is loaded. Rejects with the error of an app that cannot be loaded. */
export async function startWorker(settings: WorkerSettings): Promise<WorkerProcess> {
  const { app, environment, log, clock } = settings;
  const inherited = INHERITED.map((name) => [name, process.env[name]]).filter(([, value]) => value !== undefined);
  const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), [app.directory, app.entry, app.format], {
    cwd: app.directory,
    env: { ...Object.fromEntries(inherited), ...environment },
    execPath: settings.node,
    // Node below 22.18 strips types only when told to.
    execArgv: [
      '--experimental-strip-types',
      '--disable-warning=ExperimentalWarning',
      ...(process.env['COVERAGE_FOLDER'] === undefined ? [] : COVERAGE),
      ...settings.nodeArguments,
    ],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const output = logOutput(child, log);
  const exited = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  // Later than 'exit': the output has ended too.
  const closed = once(child, 'close');
  const started = await firstMessage(child, exited, log);
  if (started.type !== 'started' || started.httpUri === undefined) {
    child.kill('SIGKILL');
    await closed;
    if (started.type === 'failed')
      throw Object.assign(new Error(started.error.message), { stack: started.error.stack });
    throw new Error('The app does not stream: it has to call app.setup({ enableHttpStream: true }).');
  }

  const executing = new Map<string, (result: InvocationResult) => void>();
  child.on('message', (message: FromWorker) => {
    if (message.type === 'log') writeLog(log, message);
    else if (message.type === 'invocationResponse') {
      const { invocationId, error } = message;
      const onResult = executing.get(invocationId);
      executing.delete(invocationId);
      onResult?.(error ? { status: 'failed', error } : { status: 'succeeded' });
    }
  });
  child.once('exit', (code) => {
    if (code === 0) return;
    for (const onResult of executing.values()) onResult({ status: 'crashed' });
    executing.clear();
  });
  const send = (message: ToWorker): void => {
    // A worker that has just died is still connected for a moment. Its end is told by `exit`; without a callback here the
    // failure would be an `error` that nobody handles.
    if (child.connected) child.send(message, () => {});
  };

  return {
    pid: child.pid ?? 0,
    port: Number(new URL(started.httpUri).port),
    functions: started.functions,
    exited,
    invoke(request, onResult) {
      executing.set(request.invocationId, onResult);
      send(request);
    },
    isExecuting: (invocationId) => executing.has(invocationId),
    async usage() {
      const reply = awaitUsage(child);
      send({ type: 'workerStatusRequest' });
      return reply;
    },
    async terminate(unread) {
      if (unread !== undefined) output.ignore();
      send({ type: 'workerTerminate' });
      const kill = clock.after(TERMINATE_GRACE_MS, () => child.kill('SIGKILL'));
      await closed;
      kill.cancel();
    },
    kill: () => child.kill('SIGKILL'),
  };
}

function logOutput(child: ChildProcess, log: HostLog): { ignore(): void } {
  let ignored = false;
  const category = 'Host.Function.Console';
  const outputs: [NodeJS.ReadableStream | null, LogLevel][] = [
    [child.stdout, 'information'],
    [child.stderr, 'error'],
  ];
  for (const [input, level] of outputs) {
    const lines = input ? createInterface({ input }) : undefined;
    lines?.on('line', (message) => {
      if (!ignored) log.write({ level, category, message });
    });
  }
  return {
    ignore() {
      ignored = true;
    },
  };
}

function writeLog(log: HostLog, line: Extract<FromWorker, { type: 'log' }>): void {
  const { level, message, user, functionName, invocationId } = line;
  const category = functionName === undefined ? 'Worker' : `Function.${functionName}${user ? '.User' : ''}`;
  log.write({ level, category, message, ...(invocationId === undefined ? {} : { invocationId }) });
}

/** The message that ends the start, either way; log lines before it are written. */
async function firstMessage(child: ChildProcess, exited: Promise<number | null>, log: HostLog): Promise<FromWorker> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: FromWorker): void => {
      if (message.type === 'log') return writeLog(log, message);
      child.off('message', onMessage);
      return resolve(message);
    };
    child.on('message', onMessage);
    child.once('error', reject);
    void exited.then((code) => reject(new Error(`The worker exited with code ${code} before the app was loaded.`)));
  });
}

function awaitUsage(child: ChildProcess): Promise<WorkerUsage> {
  return new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('The worker exited.'));
    const onMessage = (message: FromWorker): void => {
      if (message.type !== 'workerStatusResponse') return;
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(message.usage);
    };
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}
