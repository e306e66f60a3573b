import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, parse } from 'node:path';

import { build, type Plugin } from 'esbuild';

import { readPrices } from '../../src/budgets/prices.ts';
import { lazyPackages, OTHER_CREDENTIALS } from './lazy-packages.ts';

const root = join(import.meta.dirname, '../..');

const require = createRequire(import.meta.url);

/** Modules that are loaded by `import()` when they are needed: each becomes a bundle beside the main one. */
const LAZY = [
  'src/budgets/table-storage.ts',
  'src/credentials/azure.ts',
  'src/credentials/sts.ts',
  'src/callers/entra.ts',
  'src/telemetry/application-insights.ts',
  'src/telemetry/open-telemetry.ts',
];

/**
 * undici's HTTP parser for processors without SIMD, as long as the one that it takes everywhere else: a file beside, read
 * where it is needed. A build fails when an update has moved it.
 */
const SPARE_PARSER = require.resolve('undici/lib/llhttp/llhttp-wasm.js');

const spareParserBeside: Plugin = {
  name: 'spare-parser-beside',
  setup({ onResolve }) {
    onResolve({ filter: /\/llhttp-wasm\.js$/ }, ({ kind, path }) =>
      kind === 'require-call' ? { path: `./${basename(path, '.js')}.cjs`, external: true } : undefined,
    );
  },
};

/** esbuild does not split CommonJS output, so a dynamic import is pointed at the bundle beside. */
const bundlesBeside: Plugin = {
  name: 'bundles-beside',
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${basename(path, '.ts')}.cjs`, external: true } : undefined,
    );
  },
};

/**
 * Two packages of which the function uses an export or two, but whose index holds them together by side effects that
 * esbuild has to keep: undici's fetch, WebSocket and cache, the AWS SDK's middleware. The exports come from their own
 * files instead; a build fails when an update has moved one.
 */
const FEW_EXPORTS: Readonly<Record<string, () => string>> = {
  undici: () =>
    `exports.Pool = require(${JSON.stringify(require.resolve('undici/lib/dispatcher/pool.js'))});` +
    `exports.buildConnector = require(${JSON.stringify(require.resolve('undici/lib/core/connect.js'))});`,
  '@aws-sdk/util-endpoints': () => {
    const core = dirname(
      require.resolve('@aws-sdk/core/package.json', { paths: [require.resolve('@aws-sdk/util-endpoints')] }),
    );
    const file = join(core, 'dist-es/submodules/client/util-endpoints/lib/aws/partition.js');
    return `export { partition } from ${JSON.stringify(file)};`;
  },
};

const fewExports: Plugin = {
  name: 'few-exports',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(undici|@aws-sdk\/util-endpoints)$/ }, ({ path }) => ({ path, namespace: 'few-exports' }));
    onLoad({ filter: /.*/, namespace: 'few-exports' }, ({ path }) => ({
      contents: FEW_EXPORTS[path]?.() ?? '',
      resolveDir: root,
    }));
  },
};

/**
 * Parts of the exporter for Application Insights that call other places than the endpoint of the connection string, by
 * what takes their place: statistics about the exporter itself, for Microsoft and for its user, and settings that are
 * asked for every hour and can turn such things on. Only the first two have a switch, an environment variable each.
 */
const LEFT_OUT: Readonly<Record<string, string>> = {
  '_configuration/configurationManager.js': `
    const manager = { initialize() {}, registerCallback: () => () => {} };
    export const ConfigurationManager = { getInstance: () => manager };`,
  'export/statsbeat/statsbeatManager.js': `
    const names = ['Success', 'Failure', 'Retry', 'Throttle', 'Exception', 'ReadFailure', 'WriteFailure'];
    const manager = { initialize() {}, async shutdown() {}, async updateEndpoint() {} };
    for (const name of names) manager['count' + name] = () => {};
    export const StatsbeatManager = { getInstance: () => manager };`,
  'export/statsbeat/customerSDKStatsManager.js': `
    const manager = { async initialize() {}, async shutdown() {} };
    export const CustomerSDKStatsManager = { getInstance: () => manager };`,
};

const leftOut: Plugin = {
  name: 'left-out',
  setup({ onLoad, onEnd }) {
    const replaced = new Set<string>();
    onLoad({ filter: /monitor-opentelemetry-exporter[\\/]dist[\\/]esm[\\/].*\.js$/ }, ({ path }) => {
      const name = path.replaceAll('\\', '/').replace(/^.*\/dist\/esm\//, '');
      const contents = LEFT_OUT[name];
      if (contents === undefined) return undefined;
      replaced.add(name);
      return { contents };
    });
    onEnd(() => {
      const missing = Object.keys(LEFT_OUT).filter((name) => !replaced.has(name));
      if (missing.length > 0) throw new Error(`No longer part of the exporter: ${missing.join(', ')}`);
    });
  },
};

export interface Bundles {
  /** In `dist`. */
  readonly names: readonly string[];
  /** Every file that is part of one of them, relative to the repository. */
  readonly sources: readonly string[];
}

/**
 * Bundles `src` into `dist`, as it is deployed. CommonJS, because the worker offers `@azure/functions-core` by patching
 * `require`. The files are put in place whole, so that a host that is just starting never reads half of one.
 */
export async function buildBundles(): Promise<Bundles> {
  const prices = await readFile(join(root, 'infra/prices.csv'), 'utf8');
  // A table that cannot be read ends the build and not the app.
  readPrices(prices);
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts', ...LAZY, OTHER_CREDENTIALS, SPARE_PARSER].map((path) => ({
      in: path,
      out: parse(path).name,
    })),
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    // ES modules where a package has them: esbuild can leave out what is not used.
    mainFields: ['module', 'main'],
    format: 'cjs',
    target: 'node22',
    minify: true,
    sourcemap: true,
    external: ['@azure/functions-core'],
    // undici leaves its experimental second HTTP parser out of a bundle that defines this, as Node's own does.
    define: { esbuildDetection: '1', PRICES: JSON.stringify(prices) },
    // As `require`, which does not read a bundle once more for the names of its exports.
    supported: { 'dynamic-import': false },
    plugins: [bundlesBeside, fewExports, lazyPackages, spareParserBeside, leftOut],
    logLevel: 'warning',
    write: false,
    metafile: true,
  });
  await mkdir(join(root, 'dist'), { recursive: true });
  for (const { path, contents } of outputFiles) {
    const partial = `${path}.${process.pid}`;
    await writeFile(partial, contents);
    await rename(partial, path);
  }
  return {
    names: outputFiles.map(({ path }) => basename(path)).filter((name) => name.endsWith('.cjs')),
    sources: Object.keys(metafile.inputs),
  };
}

if (import.meta.main) await buildBundles();
