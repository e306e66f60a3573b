import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { readConfig } from '../../src/config/config.ts';
import { root } from '../support/root.ts';

const read = (path: string) => readFile(join(root, path), 'utf8');

describe('host.json', () => {
  it('gives a stream more time than the function does, so that the function ends it in its own words', async () => {
    const { functionTimeout } = JSON.parse(await read('host.json'));
    const [hours = 0, minutes = 0, seconds = 0] = String(functionTimeout).split(':').map(Number);
    const { limits } = readConfig({ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' });
    expect((hours * 3600 + minutes * 60 + seconds) * 1000).toBeGreaterThanOrEqual(limits.streamMs + 60_000);
  });

  it('leaves the paths of Bedrock as they are, and no request waiting', async () => {
    const { extensions } = JSON.parse(await read('host.json'));
    expect(extensions.http).toEqual({
      routePrefix: '',
      maxOutstandingRequests: -1,
      maxConcurrentRequests: -1,
      dynamicThrottlesEnabled: false,
    });
  });

  it('lets the record through: the level of its category', async () => {
    const { logging } = JSON.parse(await read('host.json'));
    expect(logging.logLevel).toMatchObject({ default: 'Warning', 'Host.Function.Console': 'Information' });
  });

  it('says nothing that its telemetry mode does not read', async () => {
    const { telemetryMode, logging } = JSON.parse(await read('host.json'));
    expect(telemetryMode).toBe('OpenTelemetry');
    // The host reads the section applicationInsights, its sampling included, in the other mode only.
    expect(Object.keys(logging)).toEqual(['logLevel', 'OpenTelemetry']);
  });

  it('saves two of three rows of a request', async () => {
    const { logging } = JSON.parse(await read('host.json'));
    // The host's "Executing" and "Executed" of the function `bedrock`, at Information. Of the filters of one provider the one
    // with the longest category holds; the host itself adds one for `Function` that lets all through, and only a longer one
    // of the same provider takes precedence over it.
    expect(logging.OpenTelemetry.logLevel).toStrictEqual({ 'Function.bedrock': 'Warning' });
    expect(await read('src/index.ts')).toContain("app.http('bedrock',");
  });
});

interface Command {
  readonly shell: string;
  readonly run: string;
}

/** One command for each of the two shells. */
interface Hook {
  readonly posix: Command;
  readonly windows: Command;
}

/** What azure.yaml says, as far as it is looked at here. */
interface AzdProject {
  readonly requiredVersions: { readonly azd: string };
  readonly services: Readonly<Record<'proxy', Readonly<Record<string, unknown>> & { hooks: { prepackage: Hook } }>>;
  readonly hooks: Readonly<Record<string, readonly Hook[]>>;
  readonly workflows?: { readonly up?: readonly { readonly azd: string }[] };
}

async function project(): Promise<AzdProject> {
  return parse(await read('azure.yaml')) as AzdProject;
}

describe('azure.yaml', () => {
  it('has azd upload the package of `npm run package` as it is', async () => {
    const { proxy } = (await project()).services;
    // With "js" or "ts", azd would install and build by itself, and put other files into the package.
    expect(proxy).toMatchObject({ host: 'function', language: 'custom', dist: 'dist/package.zip', remoteBuild: false });
    const run = 'npm ci && npm run package';
    expect(proxy.hooks.prepackage).toStrictEqual({ posix: { shell: 'sh', run }, windows: { shell: 'pwsh', run } });
    expect(JSON.parse(await read('package.json')).scripts.package).toMatch(/ infra\/build\/package\.ts$/);
  });

  it('has the packages of npm in place before hooks run with them: `azd up` packages, provisions, deploys, in this order', async () => {
    const { workflows, services, hooks } = await project();
    // Without a workflow of the project azd (1.25 and later) packages and provisions at the same time.
    expect(workflows?.up).toStrictEqual([{ azd: 'package --all' }, { azd: 'provision' }, { azd: 'deploy --all' }]);
    expect(services.proxy.hooks.prepackage.posix.run).toMatch(/^npm ci /);
    // `azd provision` alone has nobody who installs them: what is run first says so.
    for (const { posix } of Object.values(hooks).flat()) {
      expect(posix.run).toMatch(/^node -r \.\/infra\/build\/preflight\.cjs /);
    }
  });

  it('wants an azd whose `azd down` leaves the resource group of the gateway alone, and the pages say which', async () => {
    const { requiredVersions } = await project();
    const [, minor = 0, patch = 0] = /^>= 1\.(\d+)\.(\d+)$/.exec(requiredVersions.azd)?.map(Number) ?? [];
    expect(minor * 1000 + patch).toBeGreaterThanOrEqual(24_001);
    for (const page of ['README.md', 'infra/README.md']) {
      expect(await read(page), page).toContain(`\`azd\` 1.${minor}.${patch} or later`);
    }
  });

  it('names a service that the template tags, and hooks that are there', async () => {
    const { services, hooks } = await project();
    expect(Object.keys(services)).toStrictEqual(['proxy']);
    expect(await read('infra/app/function-app.bicep')).toContain("'azd-service-name': 'proxy'");
    const all = Object.values(hooks).flat();
    for (const { posix, windows } of all) {
      expect([posix.shell, windows.shell]).toStrictEqual(['sh', 'pwsh']);
      expect(windows.run).toBe(posix.run);
    }
    const scripts = all.map(({ posix }) => /^node -r \S+ (\S+)/.exec(posix.run)?.[1] ?? posix.run);
    expect(scripts).toEqual([
      'infra/scripts/register-providers.ts',
      'infra/scripts/register-app.ts',
      'infra/scripts/store-aws-credentials.ts',
    ]);
    await Promise.all(scripts.map((path) => access(join(root, path))));
  });

  it('hands the hooks what the template puts out', async () => {
    const main = await read('infra/main.bicep');
    const texts = await Promise.all(
      ['register-providers.ts', 'register-app.ts', 'store-aws-credentials.ts'].map((path) =>
        read(`infra/scripts/${path}`),
      ),
    );
    const asked = texts.flatMap((text) =>
      Array.from(text.matchAll(/\b(?:AZURE_KEY_VAULT|AWS_CREDENTIALS)_[A-Z_]+/g), ([name]) => name),
    );
    expect(new Set(asked)).toStrictEqual(new Set(['AZURE_KEY_VAULT_NAME', 'AWS_CREDENTIALS_SECRET_NAME']));
    for (const name of asked) expect(main).toContain(`output ${name} `);
    const parameters = await read('infra/main.parameters.json');
    for (const name of ['PROXY_APP_CLIENT_ID', 'VNET_ENABLED']) expect(parameters).toContain(`"\${${name}}"`);
  });
});
