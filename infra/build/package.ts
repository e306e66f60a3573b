import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { zipSync } from 'fflate';

import { buildBundles } from './build.ts';
import { listPackages } from './sbom.ts';

const root = join(import.meta.dirname, '../..');

export interface PackagedApp {
  /** Inside the package. */
  readonly paths: readonly string[];
  /** Of the package, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Writes what is deployed to `dist/package.zip`: the bundles, `host.json` and a `package.json` that names the entry.
 * Nothing is installed or built in Azure, so what runs there is what was tested. The same sources give the same bytes;
 * `package.zip.sha256` beside it is for `sha256sum --check`, `sbom.json` for whoever must know what it is made of.
 */
export async function packageApp(): Promise<PackagedApp> {
  const { names, sources } = await buildBundles();
  const { name, version, main, engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const files: Record<string, Uint8Array> = {
    'host.json': await readFile(join(root, 'host.json')),
    'package.json': Buffer.from(`${JSON.stringify({ name, version, main, engines }, null, 2)}\n`),
  };
  for (const bundle of names) files[`dist/${bundle}`] = await readFile(join(root, 'dist', bundle));
  // The first moment that an archive can hold, and in local time, which is how it holds it.
  const zip = zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) });
  const sha256 = createHash('sha256').update(zip).digest('hex');
  await writeFile(join(root, 'dist/package.zip'), zip);
  await writeFile(join(root, 'dist/package.zip.sha256'), `${sha256}  package.zip\n`);
  await writeFile(join(root, 'dist/sbom.json'), await listPackages(sources));
  return { paths: Object.keys(files), sha256 };
}

if (import.meta.main) {
  const { paths, sha256 } = await packageApp();
  console.log(`dist/package.zip holds ${paths.join(', ')}\nSHA-256 ${sha256}\ndist/sbom.json lists what it is made of`);
}
