import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { ConfigError } from '../../src/config/reader.ts';
import { readConfig } from '../../src/config/config.ts';
import { buildBundles } from './build.ts';
import { readLocalSettings, SetupError } from './local-settings.ts';

const root = join(import.meta.dirname, '../..');

/** `npm start`: builds, then runs Azure Functions Core Tools (`func start`), which the reader installs. */
const port = process.env['PORT'] ?? '7071';
if (spawnSync('func', ['--version'], { shell: process.platform === 'win32' }).status !== 0) {
  console.error(
    'Azure Functions Core Tools are missing: the command `func` cannot be run.\n' +
      'Install them (npm install --global azure-functions-core-tools@4), or use `npm run dev`, which needs no tools.',
  );
  process.exit(1);
}
const problem = await findProblem().catch((error: unknown) => {
  if (error instanceof SetupError || error instanceof ConfigError) return error.message;
  throw error;
});
if (problem !== undefined) {
  console.error(problem);
  process.exit(1);
}
await buildBundles();
console.warn(
  `Warning: Core Tools listen on every network interface and check no function keys. While this runs, whoever can\n` +
    `reach port ${port} of this machine can call Bedrock with your keys.\n`,
);
const host = spawn('func', ['start', '--port', port], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
host.on('exit', (code) => {
  process.exitCode = code ?? 1;
});

/** What would make every answer of the function 503. As in Core Tools, the environment comes before the file. */
async function findProblem(): Promise<string | undefined> {
  const values = await readLocalSettings(root);
  if (values === undefined) {
    return (
      'local.settings.json is missing: copy local.settings.json.example to it and fill in AWS_REGION and either\n' +
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or KEY_VAULT_URI.'
    );
  }
  readConfig({ ...values, ...process.env });
  return undefined;
}
