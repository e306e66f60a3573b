import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { root } from '../support/root.ts';

const { scripts, dependencies, devDependencies } = JSON.parse(
  await readFile(join(root, 'package.json'), 'utf8'),
) as Record<'scripts' | 'dependencies' | 'devDependencies', Record<string, string>>;
const PACKAGES = Object.keys({ ...dependencies, ...devDependencies });

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A checkout in which these packages are installed. */
async function checkout(installed: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'preflight-'));
  folders.push(folder);
  for (const path of ['package.json', 'infra/build/preflight.cjs']) await cp(join(root, path), join(folder, path));
  for (const name of installed) {
    const path = join(folder, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(root, 'node_modules', name), path);
  }
  return folder;
}

/** Runs it as the scripts do, before a program. */
function preflight(folder: string, options: readonly string[] = []): Promise<{ code: unknown; text: string }> {
  const program = ['--eval', 'console.log("began", process.execArgv.includes("-r"))'];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...options, '-r', './infra/build/preflight.cjs', ...program],
      { cwd: folder, env: {} },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : error.code, text: stdout + stderr }),
    );
  });
}

describe('preflight', () => {
  test.each(Object.entries(scripts))('npm run %s begins with it', (_name, command) => {
    const first = /^(npm run check && |node (-r \.\/infra\/build\/preflight\.cjs |infra\/build\/preflight\.cjs && ))/;
    expect(command).toMatch(first);
  });

  test('nothing to say', async () => {
    expect(await preflight(await checkout(PACKAGES))).toEqual({ code: 0, text: 'began false\n' });
  });

  test('nothing installed', async () => {
    expect(await preflight(await checkout([]))).toEqual({
      code: 1,
      text: 'Nothing is installed yet: run `npm ci` first.\n',
    });
  });

  test('a package that came with an update', async () => {
    const folder = await checkout(PACKAGES.filter((name) => name !== 'jose'));
    expect(await preflight(folder)).toEqual({
      code: 1,
      text: 'Not all packages are installed (jose): run `npm ci` first.\n',
    });
  });

  test('a Node that does not load TypeScript', async () => {
    const { code, text } = await preflight(await checkout(PACKAGES), ['--no-experimental-strip-types']);
    expect(code).toBe(1);
    expect(text).toMatch(/^This needs a Node\.js that runs TypeScript, .* this one \(v\d+\.\d+\.\d+\) does not: .*\n$/);
  });
});
