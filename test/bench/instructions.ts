import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startFunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from '../support/root.ts';
import { startChild } from './child.ts';
import { startClient } from './client.ts';
import { settingsOf } from './contenders/functions-host.ts';
import type { UpstreamService } from './upstream-process.ts';
import { type Work, type WorkName, WORKS } from './works.ts';

/** Calls, after those that make a worker warm, whose instructions are counted. */
const WARM_CALLS = 3000;
const COUNTED_CALLS = 3000;

interface App {
  readonly directory: string;
  readonly settings: Record<string, string>;
}

/**
 * Instructions that the worker executes for a call, all its threads together: the difference of a short life and a long
 * one, counted by Valgrind. Unlike times they hardly depend on what else the machine does; unlike them, a miss of a cache
 * and a call of the kernel count like any other instruction.
 */
export async function showInstructions(work: string, against: string | undefined): Promise<void> {
  if (!(work in WORKS)) throw new Error(`--work is one of ${Object.keys(WORKS).join(', ')}.`);
  if (spawnSync('valgrind', ['--version']).status !== 0) throw new Error('Counting needs valgrind, a Debian package.');
  const kind: Work = WORKS[work as WorkName];
  const upstream = await startChild<UpstreamService>(join(import.meta.dirname, 'upstream-process.ts'));
  const url = await upstream.ask('url');
  const apps: Readonly<Record<string, App>> = {
    floor: { directory: join(import.meta.dirname, 'floor'), settings: { UPSTREAM: url } },
    ours: { directory: root, settings: settingsOf(url) },
    ...(against === undefined ? {} : { before: { directory: against, settings: settingsOf(url) } }),
  };
  console.log(`${kind.title}: thousands of instructions for a call`);
  let floor: number | undefined;
  for (const [name, app] of Object.entries(apps)) {
    const short = await countInstructions(app, kind, WARM_CALLS);
    const long = await countInstructions(app, kind, WARM_CALLS + COUNTED_CALLS);
    const each = (long.instructions - short.instructions) / (long.calls - short.calls) / 1000;
    floor ??= each;
    console.log(
      `${name.padEnd(8)}${each.toFixed(1).padStart(10)}${(each / floor).toFixed(3).padStart(8)} of the floor's`,
    );
  }
  await upstream.stop();
}

/** Compiler and garbage collection in the thread of the calls: what they do then depends on the calls, not on the time. */
const nodeArguments = ['--single-threaded'];

/** Of the whole life of a worker that answers at least so many calls. */
async function countInstructions(
  { directory, settings }: App,
  work: Work,
  least: number,
): Promise<{ readonly calls: number; readonly instructions: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-instructions-'));
  const log = join(folder, 'valgrind.log');
  const node = join(folder, 'node');
  await writeFile(
    node,
    `#!/bin/sh
exec valgrind --tool=exp-bbv --instr-count-only=yes --bb-out-file=/dev/null --smc-check=all-non-file \\
  --log-file='${log}' '${process.execPath}' "$@"
`,
  );
  await chmod(node, 0o755);
  const host = await startFunctionsHost({ appDirectory: directory, environment: settings, node, nodeArguments });
  const client = await startClient();
  const headers = { 'x-functions-key': host.functionKey };
  const load = await client.open({ origin: host.url, dialect: 'bedrock', headers }, work);
  let calls = 0;
  while (calls < least) calls += (await load.run(0)).requests;
  await load.close();
  await client.stop();
  await host.stop();
  const counts = (await readFile(log, 'utf8')).matchAll(/Total instructions: (\d+)/g);
  await rm(folder, { recursive: true });
  return { calls, instructions: counts.reduce((total, [, count]) => total + Number(count), 0) };
}
