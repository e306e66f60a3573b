import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

import { root } from './root.ts';

export interface Import {
  /** Path within `src`. */
  readonly from: string;
  /** Path within `src`, or the name of the package. */
  readonly target: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

const sourceRoot = join(root, 'src');

/** The text of every module of `src`, by its path there. */
export const sources: ReadonlyMap<string, string> = new Map(
  readdirSync(sourceRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [relative(sourceRoot, path).replaceAll(sep, '/'), readFileSync(path, 'utf8')] as const;
    }),
);

const STATIC = /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

/** What a module imports, names again included (`export … from`). */
export function importsOf(from: string, text: string): Import[] {
  const code = withoutComments(text);
  const resolve = (specifier: string) =>
    specifier.startsWith('.') ? posix.normalize(posix.join(dirname(from), specifier)) : specifier;
  const fixed = Array.from(code.matchAll(STATIC), ([, type, clause, specifier = '']): Import => {
    const names = namesOf(clause);
    const typesOnly = type !== undefined || (names.length > 0 && names.every((name) => name.startsWith('type ')));
    return { from, target: resolve(specifier), kind: typesOnly ? 'type' : 'value' };
  });
  const dynamic = Array.from(code.matchAll(DYNAMIC), ([, specifier = '']): Import => ({
    from,
    target: resolve(specifier),
    kind: 'dynamic',
  }));
  return [...fixed, ...dynamic];
}

/** The names in the braces of an import. */
export function namesOf(clause = ''): string[] {
  const names = /^\{([\s\S]*)\}$/.exec(clause)?.[1]?.split(',') ?? [];
  return names.map((name) => name.trim()).filter((name) => name !== '');
}

export function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

/** All imports of `src`. */
export const imports: readonly Import[] = Array.from(sources, ([path, text]) => importsOf(path, text)).flat();

/** Node's own modules are packages, too. */
export function isPackage(target: string): boolean {
  return !sources.has(target);
}

export function describeImport({ from, kind, target }: Import): string {
  return `${from} → ${target} (${kind})`;
}
