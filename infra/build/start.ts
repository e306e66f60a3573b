import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { buildBundles } from './build.ts';

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
if (!existsSync(join(root, 'local.settings.json'))) {
  console.error(
    'local.settings.json is missing: copy local.settings.json.example to it and fill in AWS_REGION and either\n' +
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or KEY_VAULT_URI.',
  );
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
