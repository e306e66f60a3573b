import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import type { StubCall, StubRule } from './stub-command.ts';
import { root } from '../../support/root.ts';

const scripts = join(root, 'infra/scripts');

export interface ScriptRun {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input, which ends after it. */
  readonly input?: string;
  readonly rules?: readonly StubRule[];
  /** Interrupts the script, with everything it has started, as Ctrl-C does, once this is seen on standard error. */
  readonly interruptAt?: string;
  /** Runs the script on a terminal of its own (util-linux `script`); what is typed there when a prompt is seen. */
  readonly typed?: Readonly<Record<string, string>>;
  /** Lets the shell print every command before it runs it. */
  readonly trace?: true;
}

export interface ScriptResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: readonly StubCall[];
}

/** Runs a script of infra/scripts with stubs for every command that would leave this machine or wait. */
export async function runScript(name: string, options: ScriptRun = {}): Promise<ScriptResult> {
  const directory = await mkdtemp(join(tmpdir(), 'bedrock-proxy-script-'));
  try {
    await writeFile(join(directory, 'rules.json'), JSON.stringify(options.rules ?? []));
    await writeFile(join(directory, 'calls'), '');
    await mkdir(join(directory, 'bin'));
    for (const command of ['aws', 'az', 'azd', 'sleep']) {
      const file = join(directory, 'bin', command);
      await writeFile(file, stubOf(command, directory, options.rules ?? []));
      await chmod(file, 0o755);
    }
    const path = `${join(directory, 'bin')}:/usr/local/bin:/usr/bin:/bin`;
    const line = ['sh', ...(options.trace ? ['-x'] : []), join(scripts, name), ...(options.args ?? [])];
    // The state that the terminal is left in is printed at the end.
    const session = `trap : INT; ${line.join(' ')}; status=$?; stty -a; exit $status`;
    const [file = '', ...args] = options.typed ? ['script', '-q', '-e', '-c', session, '/dev/null'] : line;
    const child = spawn(file, args, { env: { PATH: path, ...options.env }, detached: true });
    // A script that refuses at once does not read its input.
    child.stdin.on('error', () => {});
    if (options.typed === undefined) child.stdin.end(options.input ?? '');
    child.stdout.on('data', (chunk: Buffer) => {
      for (const [prompt, answer] of Object.entries(options.typed ?? {})) {
        if (chunk.includes(prompt)) child.stdin.write(`${answer}\r`);
      }
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (options.interruptAt !== undefined && chunk.includes(options.interruptAt)) {
        process.kill(-Number(child.pid), 'SIGINT');
      }
    });
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [status, stdout, stderr] = await Promise.all([closed, text(child.stdout), text(child.stderr)]);
    const calls = (await readFile(join(directory, 'calls'), 'utf8')).split('\n').filter((call) => call !== '');
    return { status, stdout, stderr, calls: calls.map((call) => JSON.parse(call)) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function stubOf(command: string, directory: string, rules: readonly StubRule[]): string {
  // Nearly always there is nothing to decide about sleep, and a process of Node for each would take its time.
  if (command === 'sleep' && rules.every((rule) => !rule.command.startsWith('sleep'))) {
    return `#!/bin/sh\nprintf '{"line":"sleep %s"}\\n' "$1" >>'${directory}/calls'\n`;
  }
  const stub = join(import.meta.dirname, 'stub-command.ts');
  return `#!/bin/sh\nexec '${process.execPath}' '${stub}' '${directory}' ${command} "$@"\n`;
}
