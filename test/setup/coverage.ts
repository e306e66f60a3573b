import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { encode } from '@jridgewell/sourcemap-codec';
import { CoverageReport } from 'monocart-coverage-reports';

import { root } from '../support/root.ts';

const rootUrl = `${pathToFileURL(root).href}/`;

/** A script as V8 describes what was run of it. */
interface V8Script {
  readonly url: string;
  readonly functions: readonly unknown[];
}

/** Covered share in per cent. */
export interface Coverage {
  readonly lines: number;
  readonly branches: number;
}

/**
 * Prints how much of `src` was run, by file.
 *
 * The sources are run in two forms: as they stand, by the unit tests, where Node strips their types, and as minified
 * bundles in processes of their own, by the end-to-end tests. Both are led back to the lines of the sources.
 *
 * @param rawFolder where `collect-coverage.cjs` has left what each process has run
 */
export async function reportCoverage(rawFolder: string): Promise<Coverage> {
  const outputDir = join(root, 'coverage');
  const report = new CoverageReport({
    name: 'Coverage of src',
    outputDir,
    baseDir: root,
    reports: [['text'], ['json-summary']],
    // The bundles hold other packages too, some with a folder `src`; ours is the one that exists here.
    sourceFilter: (path: string) => path.startsWith('src/') && existsSync(join(root, path)),
    logging: 'error',
  });
  for (const name of await readdir(rawFolder)) {
    const { result } = JSON.parse(await readFile(join(rawFolder, name), 'utf8')) as { result: V8Script[] };
    const scripts = await Promise.all(result.map(withSource));
    const ours = scripts.filter((script) => script !== undefined);
    if (ours.length > 0) await report.add(ours);
  }
  await report.generate();
  const { total } = JSON.parse(await readFile(join(outputDir, 'coverage-summary.json'), 'utf8'));
  return { lines: total.lines.pct, branches: total.branches.pct };
}

/** The script with the text that V8 has run and its source map; undefined for a script that is not ours. */
async function withSource(script: V8Script): Promise<object | undefined> {
  const path = script.url.startsWith(rootUrl) ? script.url.slice(rootUrl.length) : '';
  const text = texts.get(path) ?? readText(path);
  texts.set(path, text);
  const read = await text;
  return read === undefined ? undefined : { ...script, ...read };
}

/** By path: each worker process tells of the same bundles. */
const texts = new Map<string, ReturnType<typeof readText>>();

async function readText(path: string): Promise<{ url?: string; source: string; sourceMap: object } | undefined> {
  if (/^dist\/[^/]+\.cjs$/.test(path)) {
    const sourceMap = JSON.parse(await readFile(join(root, `${path}.map`), 'utf8')) as object;
    return { source: await readFile(join(root, path), 'utf8'), sourceMap };
  }
  if (!/^src\/.+\.ts$/.test(path)) return undefined;
  const text = await readFile(join(root, path), 'utf8');
  // Under a name of its own: two scripts of one name would not be added up.
  return { url: `stripped/${path}`, source: stripTypeScriptTypes(text), sourceMap: identityMap(path, text) };
}

/** Type stripping leaves every character where it was, so each maps to itself. */
function identityMap(path: string, text: string): object {
  const mappings = text
    .split('\n')
    .map((content, line) =>
      Array.from({ length: content.length }, (_, column): [number, number, number, number] => [
        column,
        0,
        line,
        column,
      ]),
    );
  return { version: 3, sources: [path], sourcesContent: [text], names: [], mappings: encode(mappings) };
}
