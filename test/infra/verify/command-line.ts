import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';

import { root } from '../../support/root.ts';

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

const MAIN = join(root, 'infra/verify/main.ts');

/** Where there is neither `az` nor `azd`, whatever the machine has. */
const NO_TOOLS = { PATH: '/usr/bin:/bin', HOME: '/nonexistent' };

/** Runs the command as npm does, without a terminal. */
export function runVerify(words: readonly string[], environment: Environment = {}): Promise<Run> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...words],
      { env: { ...NO_TOOLS, ...environment }, encoding: 'utf8' },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

/** Runs it on a terminal of its own (util-linux `script`), and types when the question is seen. */
export function runOnTerminal(words: readonly string[], typed: string): Promise<{ code: number; screen: string }> {
  const line = [process.execPath, MAIN, ...words].join(' ');
  const child = spawn('script', ['-q', '-e', '-c', line, '/dev/null'], { env: NO_TOOLS });
  let screen = '';
  let asked = false;
  child.stdout.on('data', (chunk: Buffer) => {
    screen += String(chunk);
    if (asked || !screen.includes('not shown')) return;
    asked = true;
    child.stdin.write(typed);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, screen }));
  });
}
