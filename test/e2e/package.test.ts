import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { packageApp } from '../../infra/build/package.ts';
import { startChain } from '../emulators/chain.ts';
import { root } from '../support/root.ts';
import { modelId } from '../support/models.ts';

/** Unpacked outside the project, where no `node_modules` can help it. */
let folder: string;
let paths: string[];

beforeAll(async () => {
  const { services } = parse(await readFile(join(root, 'azure.yaml'), 'utf8'));
  // What `azd` uploads, which `npm run package` has to have written there.
  const uploaded = join(root, services.proxy.project, services.proxy.dist);
  await rm(uploaded, { force: true });
  await packageApp();
  folder = await mkdtemp(join(tmpdir(), 'bedrock-proxy-package-'));
  const files = unzipSync(await readFile(uploaded));
  paths = Object.keys(files);
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Path of a Node binary of that major version; npm keeps it in its cache. */
async function nodeBinary(major: number): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['exec', '--yes', `--package=node@${major}`, '--', 'node', '--print', 'process.execPath'],
    // Outside the project, whose own Node would be found first.
    { cwd: tmpdir(), shell: process.platform === 'win32' },
  );
  return stdout.trim().split('\n').at(-1) ?? '';
}

describe('the package that is deployed', () => {
  it('holds the bundles, host.json and package.json, and nothing else', () => {
    expect(paths.toSorted()).toStrictEqual([
      'dist/application-insights.cjs',
      'dist/azure.cjs',
      'dist/entra.cjs',
      'dist/index.cjs',
      'dist/llhttp-wasm.cjs',
      'dist/open-telemetry.cjs',
      'dist/other-credentials.cjs',
      'dist/sts.cjs',
      'dist/table-storage.cjs',
      'host.json',
      'package.json',
    ]);
  });

  it('is the same bytes each time, in every time zone', async () => {
    const zone = process.env['TZ'];
    const made = [];
    try {
      for (const timeZone of ['Pacific/Auckland', 'America/Los_Angeles']) {
        process.env['TZ'] = timeZone;
        made.push((await packageApp()).sha256);
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    const bytes = await readFile(join(root, 'dist/package.zip'));
    expect(made).toStrictEqual([made[0], createHash('sha256').update(bytes).digest('hex')]);
    expect(await readFile(join(root, 'dist/package.zip.sha256'), 'utf8')).toBe(`${made[0]}  package.zip\n`);
  });

  it('is listed with every package that is in it, by its true name and version', async () => {
    const { components } = JSON.parse(await readFile(join(root, 'dist/sbom.json'), 'utf8'));
    const listed: string[] = components.map(({ purl }: { purl: string }) => purl);
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    // The alias stands under the name of what it is, and re-exports of the other under that of where its code is.
    const elsewhere = new Set(['@aws-sdk/signature-v4', '@aws-sdk/util-endpoints']);
    const names = Object.keys(dependencies).filter((name) => !elsewhere.has(name));
    const missing = names.filter(
      (name) => !listed.some((purl) => purl.startsWith(`pkg:npm/${name.replace('@', '%40')}@`)),
    );
    expect(missing).toStrictEqual([]);
    expect(listed.filter((purl) => purl.includes('signature-v4@'))).toStrictEqual([
      expect.stringMatching(/^pkg:npm\/%40smithy\/signature-v4@5\.\d+\.\d+$/),
    ]);
    // A test's package is none of it.
    expect(listed.filter((purl) => /vitest|openai|esbuild/.test(purl))).toStrictEqual([]);
  });

  it('has no code by which the exporter for Application Insights would call other places', async () => {
    const bundle = await readFile(join(folder, 'dist/application-insights.cjs'), 'utf8');
    // A header and a message of what its remote settings and its own statistics cannot do without.
    const traces = ['x-ms-onesetinterval', 'exportIntervalMillis must be'];
    expect(['/track', ...traces].filter((trace) => bundle.includes(trace))).toStrictEqual(['/track']);
    const exporter = join(root, 'node_modules/@azure/monitor-opentelemetry-exporter/dist/esm');
    const settings = await readFile(join(exporter, '_configuration/configurationManager.js'), 'utf8');
    const statistics = await readFile(join(exporter, 'export/statsbeat/networkStatsbeatMetrics.js'), 'utf8');
    expect([
      settings.includes('x-ms-onesetinterval'),
      statistics.includes('PeriodicExportingMetricReader'),
    ]).toStrictEqual([true, true]);
  });

  it.each([22, 24])('runs on Node %i as it is', async (major) => {
    const node = await nodeBinary(major);
    const { stdout } = await promisify(execFile)(node, ['--version']);
    expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
    const chain = await startChain({ node, appDirectory: folder, telemetry: 'both' });
    const client = new BedrockRuntimeClient(chain.clientConfig());
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    expect((await Array.fromAsync(stream ?? [])).at(-1)).toHaveProperty('metadata');
    client.destroy();
    await chain.host.stop();
    expect(chain.collector.sum('bedrock.proxy.requests')).toBe(1);
    expect(chain.collector.spans).toHaveLength(2);
    expect(chain.insights.metrics('bedrock.proxy.requests')).toHaveLength(1);
    expect(chain.insights.dependencies()).toHaveLength(2);
    await chain.close();
  });

  // What an instance without SIMD does, as undici has it by a setting.
  it('has the other HTTP parser too', async () => {
    const chain = await startChain({ appDirectory: folder, settings: { UNDICI_NO_WASM_SIMD: '1' } });
    const client = new BedrockRuntimeClient(chain.clientConfig());
    const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
    expect((await Array.fromAsync(stream ?? [])).at(-1)).toHaveProperty('metadata');
    client.destroy();
    await chain.close();
  });
});
