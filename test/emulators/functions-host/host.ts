import { Agent, createServer } from 'node:http';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '../../../src/clock.ts';
import { listen, type Listening } from '../../support/listen.ts';
import { readAppFolder } from './app-folder.ts';
import { createKestrel } from './kestrel.ts';
import { createKeys } from './keys.ts';
import { createHostLog, type LogLine } from './log.ts';
import type { WorkerUsage } from './messages.ts';
import { type OpenCalls, trackOpenCalls } from './open-calls.ts';
import { handle, type PipelineSettings } from './pipeline.ts';
import { createRoutes, type Route } from './routes.ts';
import { settingsThatStopTheHost } from './telemetry-settings.ts';
import { startWorker } from './worker-process.ts';
import { noWorker, superviseWorker } from './worker-supervisor.ts';

export interface FunctionsHostOptions {
  /** Folder with host.json and package.json; default: the repository. */
  readonly appDirectory?: string;
  /** App settings: all of the worker's environment, besides PATH and the like. */
  readonly environment?: Readonly<Record<string, string>>;
  /** 0, the default, lets the system choose. */
  readonly port?: number;
  /** Path of the worker's Node binary; default: this process's. */
  readonly node?: string;
  readonly nodeArguments?: readonly string[];
  /** Puts the App Service front end before the host. */
  readonly frontEnd?: boolean;
  /** Time that a stalled upload has; default 5 seconds. */
  readonly uploadGraceMs?: number;
  /** YARP's timeout for silence; default 240 seconds. */
  readonly activityTimeoutMs?: number;
  /** Default: `functionTimeout` of host.json. */
  readonly functionTimeoutMs?: number;
  /** Time that open calls have when the host shuts down; default 30 seconds. */
  readonly shutdownMs?: number;
  /** Time between functionTimeout and the restart of the worker; default 2 seconds. */
  readonly timeoutGraceMs?: number;
  /** By which these times are counted, and the one after which a worker that has been asked to end is killed; not `shutdownMs`. */
  readonly clock?: Clock;
  /** Default: `FUNCTIONS_REQUEST_BODY_SIZE_LIMIT` of the environment, or 104,857,600. */
  readonly bodyLimitBytes?: number;
}

export interface FunctionsHost {
  /** Origin without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Random; accepted from `x-functions-key`, or else from `?code=`. */
  readonly functionKey: string;
  readonly masterKey: string;
  /** In the order in which their routes are tried. */
  readonly functions: readonly Route[];
  /** The latest lines, at least ten thousand of them. */
  readonly logs: readonly LogLine[];
  /** Calls back for each line from now on; the result ends that. */
  onLog(listener: (line: LogLine) => void): () => void;
  /** 0 while a new worker starts. */
  readonly workerPid: number;
  /** Workers started after the first. */
  readonly restarts: number;
  /** Memory and processor time of the worker. Rejects when it dies meanwhile. */
  workerUsage(): Promise<WorkerUsage>;
  /**
   * Stops as the host does after SIGTERM: open calls have thirty seconds, those left then are cut; `appTerminate` hooks run
   * afterwards, with nobody to read what the worker writes, and after five seconds the worker is killed.
   */
  shutDown(): Promise<void>;
  /** Ends at once: `appTerminate` hooks run beside whatever is open, as in a worker that the host restarts. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when the next worker is ready. */
  killWorker(): Promise<void>;
}

/** Between the last call and `appTerminate`, in milliseconds. */
const BEFORE_TERMINATE_MS = 150;

/** With one of these the host exports traces, and so has a span of its own for each call. */
const TELEMETRY = ['APPLICATIONINSIGHTS_CONNECTION_STRING', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/**
 * Runs an app as the Azure Functions host runs it: an HTTP server in this process that behaves as Kestrel, the host's
 * middleware and YARP do, and a worker process that loads the app. Rejects when the app cannot be loaded, with the
 * error, or when the port is taken.
 *
 * What it is not: memory (the real host holds a JSON body eight to ten times and ends itself when it has no more); gRPC
 * (invocations go over IPC, and cost less); a host that goes on without functions when an app cannot be loaded, which is
 * an error here; the buffers of YARP, Kestrel and two more sockets, which take a few MiB before a slow caller is seen.
 */
export async function startFunctionsHost(options: FunctionsHostOptions = {}): Promise<FunctionsHost> {
  const directory = resolve(options.appDirectory ?? fileURLToPath(new URL('../../../', import.meta.url)));
  const environment = options.environment ?? {};
  const log = createHostLog();
  const clock = options.clock ?? systemClock;
  const keys = createKeys();
  const app = await readAppFolder(directory);
  const wrong = settingsThatStopTheHost(environment);
  if (wrong.length > 0)
    log.write({ level: 'error', category: 'Host', message: `The host does not start: ${wrong.join(', ')}.` });
  const start = () =>
    startWorker({
      app,
      environment,
      node: options.node ?? process.execPath,
      nodeArguments: options.nodeArguments ?? [],
      log,
      clock,
    });
  const supervisor = wrong.length > 0 ? noWorker() : await superviseWorker(start, log);
  // The library's server closes idle connections after five seconds: let go of them earlier.
  const agent = new Agent({ keepAlive: true, timeout: 3000 });
  const settings = {
    keys,
    supervisor,
    running: wrong.length === 0,
    agent,
    log,
    frontEnd: options.frontEnd ?? false,
    homepageDisabled: environment['AzureWebJobsDisableHomepage'] === 'true',
    tracing: TELEMETRY.some((name) => (environment[name] ?? '') !== ''),
    uploadGraceMs: options.uploadGraceMs ?? 5000,
    activityTimeoutMs: options.activityTimeoutMs ?? 240_000,
    functionTimeoutMs: options.functionTimeoutMs ?? app.functionTimeoutMs,
    timeoutGraceMs: options.timeoutGraceMs ?? 2000,
    clock,
    bodyLimitBytes: options.bodyLimitBytes ?? Number(environment['FUNCTIONS_REQUEST_BODY_SIZE_LIMIT'] ?? 104_857_600),
  };
  const calls = trackOpenCalls();
  const { routes, listening } = await serve(settings, calls, app.routePrefix, options.port ?? 0).catch(
    async (error: unknown) => {
      await supervisor.stop();
      throw error;
    },
  );
  const stop = async (output?: 'unread') => {
    await supervisor.stop(output);
    await listening.close();
    agent.destroy();
  };

  return {
    url: listening.url,
    port: listening.port,
    ...keys,
    functions: routes,
    logs: log.lines,
    onLog: log.onLine,
    get workerPid() {
      return supervisor.current?.pid ?? 0;
    },
    get restarts() {
      return supervisor.restarts;
    },
    workerUsage: async () => (await supervisor.ready()).usage(),
    async shutDown() {
      await calls.end(options.shutdownMs ?? 30_000);
      await sleep(BEFORE_TERMINATE_MS);
      await stop('unread');
    },
    stop: () => stop(),
    async killWorker() {
      const worker = await supervisor.ready();
      worker.kill();
      await worker.exited;
      await supervisor.ready();
    },
  };
}

/** Maps the routes and listens. Rejects for a route template that this emulator does not know, or a port that is taken. */
async function serve(
  settings: Omit<PipelineSettings, 'routes'>,
  calls: OpenCalls,
  routePrefix: string,
  port: number,
): Promise<{ routes: readonly Route[]; listening: Listening }> {
  const functions = settings.running ? (await settings.supervisor.ready()).functions : [];
  const routes = createRoutes(functions, routePrefix);
  const pipeline = { ...settings, routes };
  // Kestrel's limits, not Node's: no limit for a whole request, idle connections kept 130 seconds.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 130_000 }, (request, response) => {
    calls.add(response);
    void handle(request, response, pipeline);
  });
  return { routes, listening: await listen(createKestrel(server, pipeline), port) };
}
