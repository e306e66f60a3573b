/**
 * Stands for `az`, `aws`, `azd` or `sleep` in the tests of the shell scripts: records the call, with what came through
 * standard input where the real command would read it, and answers by the first rule that fits.
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StubReply {
  /** Exit status; 0 where absent. */
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Says `<command> is waiting` on standard error and waits to be killed. */
  readonly hold?: true;
}

export interface StubRule {
  /** Beginning of the command line: `az keyvault secret set`. */
  readonly command: string;
  /** One reply for each call; the last one again for all calls after it. */
  readonly replies: readonly StubReply[];
}

export interface StubCall {
  /** The command line, arguments joined by a space. */
  readonly line: string;
  readonly stdin?: string;
  /** What of the environment is a credential. */
  readonly awsAccessKeyId?: string;
}

if (import.meta.main) {
  const [, , directory = '', ...words] = process.argv;
  const line = words.join(' ');
  const stdin = line.includes('/dev/stdin') ? readFileSync(0, 'utf8') : undefined;
  const awsAccessKeyId = process.env['AWS_ACCESS_KEY_ID'];
  appendFileSync(join(directory, 'calls'), `${JSON.stringify({ line, stdin, awsAccessKeyId } satisfies Loose)}\n`);

  const rules: StubRule[] = JSON.parse(readFileSync(join(directory, 'rules.json'), 'utf8'));
  const index = rules.findIndex(({ command }) => line.startsWith(command));
  const replies = rules[index]?.replies ?? [];
  const counter = join(directory, `replied-${index}`);
  const replied = existsSync(counter) ? Number(readFileSync(counter, 'utf8')) : 0;
  writeFileSync(counter, String(replied + 1));
  const reply = replies[Math.min(replied, replies.length - 1)];
  process.stdout.write(reply?.stdout ?? '');
  process.stderr.write(reply?.stderr ?? '');
  process.exitCode = reply?.status ?? 0;
  if (reply?.hold) {
    process.stderr.write(`${words[0]} is waiting\n`);
    setInterval(() => {}, 60_000);
  }
}

type Loose = { [name in keyof StubCall]: StubCall[name] | undefined };
