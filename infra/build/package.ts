import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { zipSync } from 'fflate';

import { buildBundles } from './build.ts';

const root = join(import.meta.dirname, '../..');

/**
 * Writes what is deployed to `dist/package.zip`: the bundles, `host.json` and a `package.json` that names the entry.
 * Nothing is installed or built in Azure, so what runs there is what was tested.
 *
 * @returns paths inside the package
 */
export async function packageApp(): Promise<string[]> {
  const bundles = await buildBundles();
  const { name, version, main, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const files: Record<string, Uint8Array> = {
    'host.json': await readFile(join(root, 'host.json')),
    'package.json': Buffer.from(`${JSON.stringify({ name, version, main, engines }, null, 2)}\n`),
  };
  for (const bundle of bundles) files[`dist/${bundle}`] = await readFile(join(root, 'dist', bundle));
  await writeFile(join(root, 'dist/package.zip'), zipSync(files, { level: 9 }));
  return Object.keys(files);
}

if (import.meta.main) {
  const paths = await packageApp();
  console.log(`dist/package.zip holds ${paths.join(', ')}`);
}
