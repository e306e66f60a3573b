import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { root } from '../../support/root.ts';

export interface ScriptRun {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input, which ends after it; absent: it stays open, and nothing comes. */
  readonly input?: string;
  /** What the commands `az` and `azd` print for what was asked of them; one that is absent is not installed. */
  readonly commands?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Interrupts the script, as Ctrl-C does, once this is seen on standard error. */
  readonly interruptAt?: string;
  /** Runs it on a terminal of its own (util-linux `script`); what is typed there when a prompt is seen. */
  readonly typed?: Readonly<Record<string, string>>;
}

export interface ScriptResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of infra/scripts as a process, beside stubs of the two tools that Azure's SDKs ask for tokens. */
export async function runScript(name: string, options: ScriptRun = {}): Promise<ScriptResult> {
  const { args = [], env = {}, input, commands = {}, interruptAt, typed } = options;
  const directory = await mkdtemp(join(tmpdir(), 'bedrock-proxy-script-'));
  try {
    await mkdir(join(directory, 'bin'));
    for (const [command, answers] of Object.entries(commands)) {
      const file = join(directory, 'bin', command);
      await writeFile(file, stubOf(answers));
      await chmod(file, 0o755);
    }
    const line = [
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      join(root, 'infra/scripts', name),
      ...args,
    ];
    // The state that the terminal is left in is printed at the end.
    const session = `trap : INT; ${line.join(' ')}; status=$?; stty -a; exit $status`;
    const [file = '', ...words] = typed ? ['script', '-q', '-e', '-c', session, '/dev/null'] : line;
    const child = spawn(file, words, {
      env: { PATH: `${join(directory, 'bin')}:/usr/bin:/bin`, HOME: directory, ...env },
    });
    // A script that refuses at once does not read its input.
    child.stdin.on('error', () => {});
    if (input !== undefined) child.stdin.end(input);
    const answered = new Set<string>();
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      shown += String(chunk);
      for (const [prompt, answer] of Object.entries(typed ?? {})) {
        if (answered.has(prompt) || !shown.includes(prompt)) continue;
        answered.add(prompt);
        child.stdin.write(`${answer}\r`);
      }
    });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => {
      told += String(chunk);
      if (interruptAt !== undefined && told.includes(interruptAt)) child.kill('SIGINT');
    });
    const exited = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        child.stdin.destroy();
        resolve(code);
      });
    });
    const [status, stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
    return { status, stdout, stderr };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Prints the answer of the first entry that the command line begins with; says what was asked otherwise, and fails. */
function stubOf(answers: Readonly<Record<string, string>>): string {
  const cases = Object.entries(answers).map(([begin, answer]) => `  '${begin}'*) cat <<'END'\n${answer}\nEND\n  ;;\n`);
  return `#!/bin/sh\ncase "$*" in\n${cases.join('')}  *) echo "unexpected: $*" >&2; exit 1 ;;\nesac\n`;
}

/** `az account get-access-token` as Azure CLI prints it. */
export function azureCli(token: string): Readonly<Record<string, string>> {
  return {
    'account get-access-token': JSON.stringify({
      accessToken: token,
      expires_on: Math.floor(Date.now() / 1000) + 3600,
    }),
  };
}
