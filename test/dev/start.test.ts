import { execFile } from 'node:child_process';
import { chmod, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { root } from '../support/root.ts';

let folder: string;

/** A checkout of its own, because the file that is asked for stands beside the sources; `func` is a stand-in. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'));
  for (const name of ['src', 'infra/build', 'infra/prices.csv', 'package.json', 'local.settings.json.example']) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'func'), '#!/bin/sh\necho "func $*"\n');
  await chmod(join(folder, 'func'), 0o755);
});

afterAll(() => rm(folder, { recursive: true }));

function start(path: string): Promise<{ code: unknown; text: string }> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['infra/build/start.ts'],
      { cwd: folder, env: { PATH: path } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

describe('npm start', () => {
  const settings = (text: string) => writeFile(join(folder, 'local.settings.json'), text);

  test('without Core Tools', async () => {
    const { code, text } = await start('/nowhere');
    expect(code).toBe(1);
    expect(text).toMatch(/^Azure Functions Core Tools are missing: /);
  });

  test('without local.settings.json', async () => {
    const { code, text } = await start(`${folder}:/bin`);
    expect(code).toBe(1);
    expect(text).toMatch(/^local\.settings\.json is missing: copy local\.settings\.json\.example to it/);
  });

  test('with a file that is no JSON', async () => {
    await settings('{');
    expect(await start(`${folder}:/bin`)).toEqual({ code: 1, text: 'local.settings.json is not a JSON object.\n' });
  });

  test('with the example as it is', async () => {
    await cp(join(folder, 'local.settings.json.example'), join(folder, 'local.settings.json'));
    const { code, text } = await start(`${folder}:/bin`);
    expect(code).toBe(1);
    expect(text).toMatch(/^Wrong settings: .*KEY_VAULT_URI.*AWS_ACCESS_KEY_ID.*\n$/);
  });

  test('with settings that will do', async () => {
    await settings(
      JSON.stringify({ Values: { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 's' } }),
    );
    const { code, text } = await start(`${folder}:/bin`);
    expect(code).toBe(0);
    expect(text).toMatch(/^func start --port 7071$/m);
  });
});
