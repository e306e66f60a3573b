import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { zipSync } from 'fflate';

import { buildBundles } from './build.ts';

const root = join(import.meta.dirname, '../..');
const staging = join(root, 'dist/package');

/**
 * Stages what is deployed in `dist/package` and zips it to `dist/package.zip`: the bundles, `host.json` and a
 * `package.json` that names the entry. Nothing is installed or built in Azure, so what runs there is what was tested.
 *
 * @returns paths inside the package
 */
export async function packageApp(): Promise<string[]> {
  const bundles = await buildBundles();
  await rm(staging, { recursive: true, force: true });
  await mkdir(join(staging, 'dist'), { recursive: true });
  for (const name of bundles) await copyFile(join(root, 'dist', name), join(staging, 'dist', name));
  await copyFile(join(root, 'host.json'), join(staging, 'host.json'));
  const { name, version, main, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  await writeFile(join(staging, 'package.json'), `${JSON.stringify({ name, version, main, engines }, null, 2)}\n`);

  const paths = ['host.json', 'package.json', ...bundles.map((bundle) => `dist/${bundle}`)];
  const files: Record<string, Uint8Array> = {};
  for (const path of paths) files[path] = await readFile(join(staging, path));
  await writeFile(join(root, 'dist/package.zip'), zipSync(files, { level: 9 }));
  return paths;
}

if (import.meta.main) {
  const paths = await packageApp();
  console.log(`dist/package.zip holds ${paths.join(', ')}`);
}
