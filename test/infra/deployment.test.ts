import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

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

  it('lets the record through: the level of its category, and no sampling of traces', async () => {
    const { logging } = JSON.parse(await read('host.json'));
    expect(logging.logLevel).toMatchObject({ default: 'Warning', 'Host.Function.Console': 'Information' });
    expect(logging.applicationInsights.samplingSettings.excludedTypes.split(';')).toEqual([
      'Request',
      'Exception',
      'Trace',
    ]);
    expect(logging.applicationInsights.httpAutoCollectionOptions.enableResponseHeaderInjection).toBe(false);
  });
});

describe('azure.yaml', () => {
  it('deploys the package that `npm run package` writes, as it is', async () => {
    const yaml = await read('azure.yaml');
    expect(await read('infra/build/package.ts')).toContain("'dist/package.zip'");
    expect(yaml).toMatch(/^ {4}dist: dist\/package\.zip$/m);
    // With "js" or "ts", azd would install and build by itself, and put other files into the package.
    expect(yaml).toMatch(/^ {4}language: custom$/m);
    expect(yaml).toMatch(/^ {4}remoteBuild: false$/m);
    expect(yaml).toMatch(/^ {8}run: npm ci && npm run package$/m);
  });

  it('names a service that the template tags, and hooks that are there', async () => {
    const yaml = await read('azure.yaml');
    expect(yaml).toMatch(/^services:\n {2}proxy:$/m);
    expect(await read('infra/app/function-app.bicep')).toContain("'azd-service-name': 'proxy'");
    const scripts = Array.from(yaml.matchAll(/run: sh (\S+\.sh)/g), ([, path]) => path ?? '');
    expect(scripts).toEqual(['infra/scripts/register-app.sh', 'infra/scripts/store-aws-credentials.sh']);
    await Promise.all(scripts.map((path) => access(join(root, path))));
  });

  it('hands the hooks what the template puts out', async () => {
    const main = await read('infra/main.bicep');
    for (const path of ['register-app.sh', 'store-aws-credentials.sh']) {
      const script = await read(`infra/scripts/${path}`);
      const outputs = Array.from(script.matchAll(/\$\{((?:AZURE|AWS)_[A-Z_]+)/g), ([, name]) => name);
      // Set by azd itself.
      for (const name of new Set(outputs.filter((output) => output !== 'AZURE_ENV_NAME'))) {
        expect(main, path).toContain(`output ${name} `);
      }
    }
    expect(await read('infra/main.parameters.json')).toContain('"${PROXY_APP_CLIENT_ID}"');
  });
});
