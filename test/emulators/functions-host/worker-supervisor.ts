import type { HostLog } from './log.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Keeps one worker running. */
export interface Supervisor {
  /** The worker, or undefined while a new one starts. */
  readonly current: WorkerProcess | undefined;
  /** Workers started after the first. */
  readonly restarts: number;
  /** The worker, once there is one. Rejects when the app could not be loaded again, or after `stop`. */
  ready(): Promise<WorkerProcess>;
  /** Terminates this worker, unless another one has taken its place already, and starts the next. */
  restart(worker: WorkerProcess): Promise<void>;
  /** @param output `unread` when nobody reads any longer what the worker writes */
  stop(output?: 'unread'): Promise<void>;
}

/** Of a host that did not start. */
export function noWorker(): Supervisor {
  const ready = () => Promise.reject(new Error('The host is not running.'));
  return { current: undefined, restarts: 0, ready, restart: ready, stop: async () => {} };
}

/**
 * Starts the worker and starts it again whenever it dies, except when it exits with code 0: the host takes that for an
 * orderly end, and calls hang until one of them reaches functionTimeout (azure-functions-host,
 * `RpcFunctionInvocationDispatcher`).
 */
export async function superviseWorker(start: () => Promise<WorkerProcess>, log: HostLog): Promise<Supervisor> {
  let current: WorkerProcess | undefined;
  let next: Promise<WorkerProcess>;
  let restarts = 0;
  let stopped = false;

  const watch = (worker: WorkerProcess): WorkerProcess => {
    current = worker;
    void replaceWhenDead(worker);
    return worker;
  };
  const replaceWhenDead = async (worker: WorkerProcess): Promise<void> => {
    const code = await worker.exited;
    if (stopped || current !== worker || code === 0) return;
    log.write({ level: 'error', category: 'Host', message: `node exited with code ${code ?? 'none'}.` });
    replace();
  };
  const replace = (): void => {
    current = undefined;
    restarts += 1;
    next = start().then(watch);
    next.catch((error: unknown) => {
      log.write({ level: 'error', category: 'Host', message: `Starting worker process failed. ${String(error)}` });
    });
  };

  const first = watch(await start());
  next = Promise.resolve(first);
  return {
    get current() {
      return current;
    },
    get restarts() {
      return restarts;
    },
    ready: () => (stopped ? Promise.reject(new Error('The host is stopped.')) : next),
    async restart(worker) {
      if (stopped || current !== worker) return;
      // Before the old one ends: calls wait for the new one from here on.
      current = undefined;
      next = worker.terminate().then(() => {
        replace();
        return next;
      });
      await next;
    },
    async stop(output) {
      stopped = true;
      const worker = current ?? (await next.catch(() => undefined));
      await worker?.terminate(output);
    },
  };
}
