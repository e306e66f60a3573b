import { exec, execFile } from 'node:child_process';

import type { Look } from './look.ts';

/** Runs `az` or `azd` with JSON as output; the arguments hold no text of a user. */
export type RunTool = (tool: 'az' | 'azd', words: readonly string[]) => Promise<Look<unknown>>;

const TIMEOUT_MS = 60_000;

/** @returns absent: the tool is not installed; a reason: it says no, for instance because nobody is signed in */
export const runTool: RunTool = (tool, words) =>
  new Promise((resolve) => {
    const options = {
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    } as const;
    const line = [...words, '--output', 'json'];
    const done = (error: Error | null, stdout: string, stderr: string): void => {
      if (error === null) return resolve(parsed(tool, stdout));
      const { code } = error as NodeJS.ErrnoException;
      // 127, 9009: what shells say of a command that is not there.
      if (code === 'ENOENT' || Number(code) === 127 || Number(code) === 9009) return resolve({ absent: true });
      return resolve({ why: `${tool} ${words.slice(0, 2).join(' ')}: ${firstLine(stderr) || 'no answer'}` });
    };
    // On Windows they are batch files, which nothing but a shell runs.
    if (process.platform === 'win32') exec([tool, ...line].join(' '), options, done);
    else execFile(tool, line, options, done);
  });

function parsed(tool: string, text: string): Look<unknown> {
  try {
    return { found: JSON.parse(text) as unknown };
  } catch {
    return { why: `${tool} has not answered in JSON` };
  }
}

function firstLine(text: string): string {
  return (text.split('\n').find((line) => line.trim() !== '') ?? '').trim().slice(0, 200);
}
