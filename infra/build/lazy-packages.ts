import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import type { Plugin } from 'esbuild';

const require = createRequire(import.meta.url);
const identity = dirname(require.resolve('@azure/identity/package.json'));
const msal = join(dirname(require.resolve('@azure/msal-node/package.json')), 'dist/index.mjs');

/** The bundle of the credentials that need most of MSAL, and that a managed identity does without. */
export const OTHER_CREDENTIALS = 'other-credentials';

/** A credential that is loaded from that bundle when its first token is asked for. */
const later = (name: string): string => `
  export class ${name} {
    #options;
    #credential;
    constructor(...options) { this.#options = options; }
    async getToken(...request) {
      this.#credential ??= import('./${OTHER_CREDENTIALS}.ts').then(({ ${name} }) => new ${name}(...this.#options));
      return (await this.#credential).getToken(...request);
    }
  }`;

/** An agent whose package runs when the first one is made: where the environment names a proxy. */
const laterAgent = (name: string, path: string): string => `
  exports.${name} = function (...options) {
    const { ${name} } = require(${JSON.stringify(path)});
    return new ${name}(...options);
  };`;

const inIdentity = (file: string): string => JSON.stringify(join(identity, 'dist/esm', file));

/** Modules by what takes their place in the bundles; a build fails when an update has moved a file. */
const MODULES: Readonly<Record<string, () => string>> = {
  '@azure/identity': () =>
    `export { ManagedIdentityCredential } from ${inIdentity('credentials/managedIdentityCredential/index.js')};` +
    later('DefaultAzureCredential'),
  // A managed identity in Kubernetes, which Azure Functions has no part in unless it is run there.
  '../workloadIdentityCredential.js': () => later('WorkloadIdentityCredential'),
  [OTHER_CREDENTIALS]: () =>
    `export { DefaultAzureCredential, WorkloadIdentityCredential } from ${inIdentity('index.js')};`,
  // The pool has HTTP/2 switched off, and `node:http2` is a third of what undici takes to load.
  './client-h2.js': () => `module.exports = () => { throw new Error('HTTP/2 is no part of this bundle.'); };`,
  // Forms are no body of a call, which is bytes.
  '../web/fetch/body.js': () =>
    'exports.extractBody = () => { throw new Error("Forms are no part of this bundle."); };',
  '../web/fetch/formdata': () => '',
  '../web/webidl': () => 'exports.webidl = { is: { FormData: () => false } };',
  'https-proxy-agent': () => laterAgent('HttpsProxyAgent', require.resolve('https-proxy-agent')),
  'http-proxy-agent': () => laterAgent('HttpProxyAgent', require.resolve('http-proxy-agent')),
};

const NAMES = Object.keys(MODULES);

/** Leaves out of a bundle, or of its loading, what only some settings need. */
export const lazyPackages: Plugin = {
  name: 'lazy-packages',
  setup({ onResolve, onLoad, onEnd }) {
    const replaced = new Set<string>();
    onResolve({ filter: new RegExp(`^(${NAMES.map(literally).join('|')})$`) }, ({ path }) => {
      replaced.add(path);
      return { path, namespace: 'lazy-packages', sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: 'lazy-packages' }, ({ path }) => ({
      contents: MODULES[path]?.() ?? '',
      resolveDir: import.meta.dirname,
    }));
    // MSAL declares no module free of side effects, so that esbuild would keep all that its index names.
    onResolve({ filter: /^@azure\/msal-node$/ }, () => ({ path: msal, sideEffects: false }));
    onResolve({ filter: /^\.{1,2}\/.*\.mjs$/ }, ({ path, importer }) =>
      importer.startsWith(dirname(msal)) ? { path: join(dirname(importer), path), sideEffects: false } : undefined,
    );
    onEnd(() => {
      const missing = NAMES.filter((name) => !replaced.has(name));
      if (missing.length > 0) throw new Error(`No longer imported: ${missing.join(', ')}`);
    });
  },
};

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);
}
