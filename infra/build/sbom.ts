import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

interface Locked {
  readonly name?: string;
  readonly version: string;
  readonly license?: string;
  readonly integrity?: string;
}

/**
 * The packages of which bundles are made, as a CycloneDX 1.5 document. It names what esbuild has put into them, and no
 * more: `npm sbom --omit=dev` leaves out what a package for tests needs too.
 *
 * @param sources files that are part of a bundle, relative to the repository
 */
export async function listPackages(sources: readonly string[]): Promise<string> {
  const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const folders = new Set(sources.flatMap((path) => /(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []));
  const byPurl = new Map(
    Array.from(folders, (folder) => component(folder, packages[folder])).map((each) => [each.purl, each]),
  );
  const components = Array.from(byPurl.values()).toSorted((a, b) => (a.purl < b.purl ? -1 : 1));
  const metadata = { component: { type: 'application', name, version } };
  return `${JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata, components }, null, 2)}\n`;
}

function component(folder: string, { name, version, license, integrity }: Locked) {
  // The lock file repeats a name only where it is another than the folder's: an alias.
  const called = name ?? folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purl = `pkg:npm/${called.replace('@', '%40')}@${version}`;
  const [algorithm = '', hash = ''] = integrity?.split('-') ?? [];
  return {
    type: 'library',
    'bom-ref': purl,
    name: called,
    version,
    purl,
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    ...(algorithm === 'sha512'
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(hash, 'base64').toString('hex') }] }
      : {}),
  };
}
