import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, it } from 'vitest';

import { root } from '../../support/root.ts';

const run = promisify(execFile);
const scripts = join(root, 'infra/scripts');
const shellcheck = await run('shellcheck', ['--version']).then(
  () => true,
  () => false,
);
if (!shellcheck) console.warn('shell checks skipped: no shellcheck');

it.skipIf(!shellcheck)('the shell scripts have no finding of shellcheck', async () => {
  const files = (await readdir(scripts)).filter((name) => name.endsWith('.sh')).map((name) => join(scripts, name));
  expect(files).toHaveLength(4);
  await expect(run('shellcheck', files)).resolves.toMatchObject({
    stdout: '',
  });
});
