import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { startFunctionsHost } from '../../emulators/functions-host/host.ts';
import { serve } from '../child.ts';

/** A Functions host with an app, in a process of its own. Arguments: folder of the app, its settings as JSON. */

const [appDirectory = '', settings = '{}'] = process.argv.slice(2);

/** Time for a signal to arrive and its handler to finish, which nothing reports. */
const SIGNAL_MS = 300;

const host = await startFunctionsHost({
  appDirectory,
  environment: JSON.parse(settings) as Record<string, string>,
  nodeArguments: ['--expose-gc', '--import', join(import.meta.dirname, '../../support/collect-on-signal.ts')],
});

const service = {
  address: () => ({ url: host.url, functionKey: host.functionKey }),
  usage: () => host.workerUsage(),
  /** Most resident memory since `forgetPeak`, in bytes; undefined where the system does not tell it (proc_pid_status(5)). */
  async peak() {
    const status = await readFile(`/proc/${host.workerPid}/status`, 'utf8').catch(() => '');
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  },
  /** 5: the peak begins anew (proc_pid_clear_refs(5)). */
  forgetPeak: () => writeFile(`/proc/${host.workerPid}/clear_refs`, '5').catch(() => {}),
  async collectGarbage() {
    process.kill(host.workerPid, 'SIGUSR2');
    await sleep(SIGNAL_MS);
  },
};
export type HostService = typeof service;
serve(service);
