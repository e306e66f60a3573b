import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

import { describe, expect, it } from 'vitest';

import { root } from '../support/root.ts';

const sourceRoot = join(root, 'src');

interface Import {
  readonly from: string;
  /** Path within `src`, or the name of the package. */
  readonly target: string;
  readonly kind: 'value' | 'type' | 'dynamic';
}

/** Every file of `src` by its path there, without comments. */
const sources = new Map(
  readdirSync(sourceRoot, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const text = readFileSync(path, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
      return [relative(sourceRoot, path).replaceAll(sep, '/'), text] as const;
    }),
);

const STATIC = /^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

function importsOf(from: string, text: string): Import[] {
  const resolve = (specifier: string) =>
    specifier.startsWith('.') ? posix.normalize(posix.join(dirname(from), specifier)) : specifier;
  const fixed = Array.from(text.matchAll(STATIC), ([, type, clause, specifier = '']): Import => {
    const names =
      /^\{([\s\S]*)\}$/
        .exec(clause ?? '')?.[1]
        ?.split(',')
        .filter((name) => name.trim() !== '') ?? [];
    const typesOnly = type !== undefined || (names.length > 0 && names.every((name) => /^\s*type\s/.test(name)));
    return { from, target: resolve(specifier), kind: typesOnly ? 'type' : 'value' };
  });
  const dynamic = Array.from(text.matchAll(DYNAMIC), ([, specifier = '']): Import => ({
    from,
    target: resolve(specifier),
    kind: 'dynamic',
  }));
  return [...fixed, ...dynamic];
}

const imports = Array.from(sources, ([path, text]) => importsOf(path, text)).flat();

function describeImport({ from, kind, target }: Import): string {
  return `${from} → ${target} (${kind})`;
}

function importers(matches: (target: string) => boolean): string[] {
  return [...new Set(imports.filter(({ target }) => matches(target)).map(({ from }) => from))].toSorted();
}

function isPackage(target: string): boolean {
  return !sources.has(target);
}

describe('the parser of this test', () => {
  it('sees every import', () => {
    expect(sources.size).toBeGreaterThan(20);
    const words = [...sources.values()].flatMap(
      (text) => text.match(/\bfrom\s+'|\bimport\s*\(|\bimport\s+'|\brequire\s*\(/g) ?? [],
    );
    expect(imports).toHaveLength(words.length);
  });

  it('resolves every relative import to a file', () => {
    const missing = imports.filter(({ target }) => isPackage(target) && /^\.|\.ts$/.test(target));
    expect(missing.map(describeImport)).toStrictEqual([]);
  });
});

describe('imports point inwards', () => {
  const LEAVES = ['errors.ts', 'buffer-budget.ts', 'abortable.ts'];

  it.each(['json'])('%s knows itself and the leaves only', (folder) => {
    const outside = imports.filter(
      ({ from, target }) =>
        from.startsWith(`${folder}/`) &&
        !isPackage(target) &&
        !target.startsWith(`${folder}/`) &&
        !LEAVES.includes(target),
    );
    expect(outside.map(describeImport)).toStrictEqual([]);
  });

  it.each(LEAVES)('%s knows nobody', (leaf) => {
    expect(imports.filter(({ from, target }) => from === leaf && !isPackage(target))).toStrictEqual([]);
  });

  it('nobody imports the composition root', () => {
    expect(importers((target) => target === 'index.ts')).toStrictEqual([]);
  });

  it('the proxy knows the types of the credentials only', () => {
    const values = imports.filter(
      ({ from, target, kind }) => from === 'proxy/proxy.ts' && target.startsWith('credentials/') && kind !== 'type',
    );
    expect(values.map(describeImport)).toStrictEqual([]);
  });
});

describe('packages have one home', () => {
  it.each([
    ['undici', /^undici$/, ['aws/preconnect.ts', 'aws/upstream.ts']],
    ['@azure/functions', /^@azure\/functions$/, ['index.ts']],
    ['what the worker offers', /^@azure\/functions-core$/, ['functions/library.ts']],
    ['the Azure SDKs', /^@azure\/(?!functions)/, ['credentials/key-vault.ts', 'telemetry/application-insights.ts']],
    ['the exporter for Application Insights', /^@azure\/monitor-/, ['telemetry/application-insights.ts']],
    ['the OTLP exporters', /^@opentelemetry\/exporter-/, ['telemetry/otlp.ts']],
    ['jose', /^jose$/, ['callers/entra.ts']],
    ['the signer', /^@aws-sdk\/signature-v4$/, ['aws/signer.ts']],
    ['its hash', /^@aws-crypto\//, ['aws/signing-hash.ts']],
    ['the decoder of messages', /^@smithy\//, ['usage/event-stream-reader.ts']],
    ['the partition table', /^@aws-sdk\/util-endpoints$/, ['aws/endpoint.ts']],
  ])('%s', (_name, pattern, homes) => {
    expect(importers((target) => pattern.test(target))).toStrictEqual(homes);
  });

  it('there are no others', () => {
    const known =
      /^node:|^undici$|^jose$|^@azure\/|^@smithy\/core\/|^@aws-sdk\/(signature-v4|util-endpoints)$|^@aws-crypto\/sha256-js$/;
    const others = imports.filter(({ target }) => isPackage(target) && !known.test(target));
    const telemetry = others.filter(
      ({ from, target }) => from.startsWith('telemetry/') && target.startsWith('@opentelemetry/'),
    );
    expect(telemetry).not.toHaveLength(0);
    expect(others.filter((other) => !telemetry.includes(other)).map(describeImport)).toStrictEqual([]);
  });

  it('only `app` is a value of @azure/functions: the package is CommonJS and shows Node no other name', () => {
    const [clause] = sources.get('index.ts')?.match(/^import[^;]*'@azure\/functions'/m) ?? [];
    const values =
      /\{([\s\S]*)\}/
        .exec(clause ?? '')?.[1]
        ?.split(',')
        .map((name) => name.trim()) ?? [];
    expect(values.filter((name) => name !== '' && !name.startsWith('type '))).toStrictEqual(['app']);
  });
});

describe('the environment', () => {
  it('is read by the configuration only', () => {
    const readers = [...sources].filter(([, text]) =>
      /\bprocess\s*(\.|\?\.|\[)\s*'?env\b|\benv\b[^;]*node:process/.test(text),
    );
    expect(readers.map(([path]) => path)).toStrictEqual(['config/config.ts']);
  });
});

describe('bundles of their own', () => {
  const LAZY = [
    ['callers/entra.ts', 'index.ts'],
    ['credentials/key-vault.ts', 'index.ts'],
    ['telemetry/application-insights.ts', 'telemetry/load.ts'],
    ['telemetry/open-telemetry.ts', 'telemetry/load.ts'],
  ] as const;

  it.each(LAZY)('%s is loaded when it is needed, by %s', (lazy, loader) => {
    const found = imports.filter(({ target, kind }) => target === lazy && kind !== 'type');
    expect(found.map(describeImport)).toStrictEqual([`${loader} → ${lazy} (dynamic)`]);
  });

  it('nothing else is loaded by import()', () => {
    const dynamic = imports.filter(({ kind }) => kind === 'dynamic').map(({ target }) => target);
    expect(dynamic.toSorted()).toStrictEqual(LAZY.map(([lazy]) => lazy));
  });

  it('no module is in two of them, where a class of it would not be the same', () => {
    const modules = ['index.ts', ...LAZY.map(([lazy]) => lazy)].flatMap((entry) => Array.from(modulesOf(entry)));
    expect(modules.toSorted()).toStrictEqual([...new Set(modules)].toSorted());
  });

  /** The modules that a bundle consists of. */
  function modulesOf(entry: string): Set<string> {
    const modules = new Set([entry]);
    for (const module of modules) {
      for (const { from, target, kind } of imports) {
        if (from === module && kind === 'value' && !isPackage(target)) modules.add(target);
      }
    }
    return modules;
  }
});
