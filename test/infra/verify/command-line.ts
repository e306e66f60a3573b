import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
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

/** Commands `az` and `azd` that answer as given, by the beginning of their line; and fail for any other. */
export async function makeTools(
  answers: Readonly<Record<string, unknown>>,
): Promise<{ PATH: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'verify-tools-'));
  const cases = await Promise.all(
    Object.entries(answers).map(async ([line, answer], index) => {
      await writeFile(join(folder, `${index}.json`), JSON.stringify(answer));
      return `  '${line}'*) cat '${join(folder, `${index}.json`)}' ;;`;
    }),
  );
  for (const tool of ['az', 'azd']) {
    const script = ['#!/bin/sh', `case "${tool} $*" in`, ...cases, "  *) echo 'ERROR: no' >&2; exit 1 ;;", 'esac', ''];
    await writeFile(join(folder, tool), script.join('\n'), { mode: 0o755 });
  }
  return { PATH: `${folder}:${NO_TOOLS.PATH}`, remove: () => rm(folder, { recursive: true }) };
}

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
