import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { root } from '../support/root.ts';

export interface Dev {
  readonly child: ChildProcess;
  /** All that was printed so far. */
  output(): string;
  /** The output, once `pattern` is in it. Rejects, with what there is, when the process ends before, or nothing ends. */
  until(pattern: RegExp): Promise<string>;
  /** As Ctrl-C in a terminal does it: the whole process group gets the signal. Resolves with the exit code. */
  interrupt(): Promise<number | null>;
  /** SIGKILL to the whole group. */
  kill(): Promise<void>;
}

/** Below the limit of a test, which does not tell what was printed. */
const HANG_MS = 240_000;

export interface DevOptions {
  /** Words after `npm run dev --`. */
  readonly words?: readonly string[];
  /** The folder in which `local.settings.json` is looked for. */
  readonly folder: string;
}

/** `test/dev/main.ts` with nothing in its environment but PATH and these variables. */
export function startDev(environment: Readonly<Record<string, string>>, { words = [], folder }: DevOptions): Dev {
  const child = spawn(process.execPath, [join(root, 'test/dev/main.ts'), ...words], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    detached: true,
  });
  const closed = once(child, 'close');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const signal = (name: NodeJS.Signals) => !hasEnded() && process.kill(-(child.pid ?? 0), name);
  let text = '';
  let changed = Promise.withResolvers<void>();
  const onChange = (chunk: Buffer | string): void => {
    text += String(chunk);
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  child.stdout.on('data', onChange);
  child.stderr.on('data', onChange);
  return {
    child,
    output: () => text,
    async until(pattern) {
      const hung = AbortSignal.timeout(HANG_MS);
      const aborted = once(hung, 'abort');
      while (!pattern.test(text)) {
        if (hasEnded() || hung.aborted) throw new Error(`no ${String(pattern)} in:\n${text}`);
        await Promise.race([changed.promise, closed, aborted]);
      }
      return text;
    },
    async interrupt() {
      signal('SIGINT');
      await closed;
      return child.exitCode;
    },
    async kill() {
      signal('SIGKILL');
      await closed;
    },
  };
}

/** Where it is to be called, and with which key. */
export interface Printed {
  /** The endpoint. */
  readonly url: string;
  readonly key: string;
  /** Where the printed curl line calls. */
  readonly call: string;
}

/** What the banner says, once it is all there. */
export async function printed(dev: Dev): Promise<Printed> {
  const text = await dev.until(/Ctrl-C stops it/);
  const [, url = ''] = /^Endpoint +(\S+)$/m.exec(text) ?? [];
  const [, call = '', key = ''] = /^curl (\S+) \\\n(?: {2}--cacert .*\n)? {2}-H 'api-key: ([^']+)'/m.exec(text) ?? [];
  return { url, key, call };
}
