import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, describe, expect, test } from 'vitest';

import type { RequestRecord } from '../../src/record/record.ts';
import { type Dev, type DevOptions, printed, startDev } from './dev-process.ts';
import { terminalLine } from './log-line.ts';
import { EXAMPLE_KEY, startBedrock } from '../emulators/bedrock/bedrock.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import { startKeyVault } from '../emulators/azure/key-vault.ts';
import { listen } from '../support/listen.ts';
import { startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { root } from '../support/root.ts';

const QUESTION = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'Hello' }] }] });
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A folder with nothing in it, or with these settings. */
async function folderOf(settings?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  if (settings !== undefined) await writeFile(join(folder, 'local.settings.json'), settings);
  return folder;
}

async function start(environment: Readonly<Record<string, string>>, options: Partial<DevOptions> = {}): Promise<Dev> {
  const dev = startDev({ PORT: '0', ...environment }, { folder: await folderOf(), ...options });
  cleanups.push(dev.kill);
  return dev;
}

function post(url: string, headers: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: QUESTION,
  });
}

/** Starts the process and lets it end by itself. */
async function runDev(
  environment: Readonly<Record<string, string>>,
  options: Partial<DevOptions> = {},
): Promise<{ code: number | null; text: string }> {
  const dev = await start(environment, options);
  await once(dev.child, 'close');
  return { code: dev.child.exitCode, text: dev.output() };
}

describe('npm run dev', () => {
  test('serves the printed calls, and nobody else', async () => {
    const dev = await start({});
    const { call: url, key } = await printed(dev);
    const before = dev.output();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/bedrock\/model\/amazon\.nova-lite-v1:0\/converse$/);
    const answer = await post(url, { 'api-key': key });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ output: { message: { content: [{ text: TEXT }] } } });
    await dev.until(/^\d\d:\d\d:\d\d {2}200 +\d+ ms {2}Converse {2}amazon\.nova-lite-v1:0 {2}\d+ in, 51 out$/m);

    const page = await post(url, { 'api-key': key, origin: 'https://example.com' });
    expect(page.status).toBe(403);
    expect(page.headers.get('x-amzn-errortype')).toBe('AccessDeniedException');
    expect(await page.json()).toEqual({ message: expect.stringContaining('Origin') });
    expect((await post(url, { 'api-key': key, origin: 'null' })).status).toBe(403);

    const stranger = await post(url, {});
    expect(stranger.status).toBe(401);
    expect(stranger.headers.get('x-amzn-errortype')).toBe('UnauthorizedException');
    const others = Object.values(networkInterfaces()).flatMap((addresses = []) =>
      addresses.filter(({ family, internal }) => family === 'IPv4' && !internal),
    );
    for (const { address } of others)
      await expect(post(url.replace('127.0.0.1', address), {})).rejects.toThrow('fetch failed');

    expect((await post(url.replace(/[^/]+$/, 'nothing'), { 'api-key': key })).status).toBe(404);
    // The function's lines come a moment later than the gateway's.
    await dev.until(/ UnknownOperationException/);
    expect((await post(url.replace('/model', '//model'), { 'api-key': key })).status).toBe(404);
    expect((await post(url.replace('/bedrock/model', `/v1?api-key=${key}`), {})).status).toBe(404);
    const health = await fetch(new URL('/bedrock/health', url), { headers: { 'api-key': key } });
    expect(health.status).toBe(200);
    const text = await dev.until(/ GET \/bedrock\/health/);
    const path = '/bedrock/model/amazon.nova-lite-v1:0/converse';
    const lines = Array.from(text.matchAll(/^\d\d:\d\d:\d\d {2}(.*)$/gm), ([, line = '']) => line);
    expect(lines.map((line) => line.replace(/ {2} +\d+ ms/, ''))).toEqual([
      '200  Converse  amazon.nova-lite-v1:0  15 in, 51 out',
      `403          -  POST ${path}  Requests with an Origin header are refused: this server is not for web pages.  (the gateway's)`,
      expect.stringMatching(/^403 +- {2}POST \S+ {2}Requests with an Origin header/),
      expect.stringMatching(/^401 +- {2}POST \S+ {2}No subscription key was sent\. .* \(the gateway's\)$/),
      `404  POST ${path.replace('converse', 'nothing')}  UnknownOperationException (the client's)`,
      expect.stringMatching(
        /^404 +- {2}POST \/bedrock\/\/model\S+ {2}There are two slashes in a row: .* \(the gateway's\)$/,
      ),
      expect.stringMatching(/^404 +- {2}POST \/v1 {2}Unable to match .* \(the gateway's\)$/),
      '200  GET /bedrock/health',
    ]);
    expect(text.split(key)).toHaveLength(before.split(key).length);
  });

  test('prints JavaScript that runs as it is', async () => {
    const dev = await start({}, { words: ['snippets'] });
    await printed(dev);
    const answers = Array.from(
      dev.output().matchAll(/^--- JavaScript \((.+?)\).*\n([\s\S]+?)\n\n/gm),
      async (found) => {
        const [, client, code = ''] = found;
        const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
          cwd: root,
        });
        return [client, stdout.trim()];
      },
    );
    expect(await Promise.all(answers)).toEqual([
      ['AWS SDK', TEXT],
      ['Anthropic SDK', TEXT],
      ['OpenAI SDK', TEXT],
    ]);
    await dev.until(/ 200 +\d+ ms {2}ConverseStream {2}\S+ {2}\d+ in, 51 out {2}first token \d+ ms {2}\d+ tokens\/s$/m);
  });

  test('Ctrl-C ends it at once, and quietly', async () => {
    const dev = await start({});
    const { call: url, key } = await printed(dev);
    const before = dev.output();
    expect(await dev.interrupt()).toBe(0);
    expect(dev.output()).toBe(before);
    await expect(post(url, { 'api-key': key })).rejects.toThrow('fetch failed');
  });

  test('AWS keys in the environment lead to the Bedrock they are for', async () => {
    const bedrock = await startBedrock();
    cleanups.push(bedrock.close);
    const dev = await start({
      AWS_REGION: bedrock.region,
      AWS_ACCESS_KEY_ID: EXAMPLE_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: EXAMPLE_KEY.secretAccessKey,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      CALLER_AUTH: 'entra',
    });
    const { call: url, key } = await printed(dev);
    expect((await post(url, { 'api-key': key })).status).toBe(200);
    expect((await post(url, { 'api-key': key, origin: 'https://example.com' })).status).toBe(403);
    expect((await post(url, {})).status).toBe(401);
    expect(bedrock.requests).toMatchObject([{ verified: true, accessKeyId: EXAMPLE_KEY.accessKeyId }]);
    expect(await dev.until(/ 200 +\d+ ms {2}Converse /)).not.toContain(EXAMPLE_KEY.secretAccessKey);
    expect(dev.output()).toContain(`${bedrock.url}\n             AWS keys of the settings, calls cost money\n`);
    expect(await dev.interrupt()).toBe(0);
  });

  test('a vault in the environment is read as whoever the environment says', async () => {
    const bedrock = await startBedrock();
    const identity = await startManagedIdentity();
    const vault = await startKeyVault({ identity, secrets: { mine: JSON.stringify(EXAMPLE_KEY) } });
    cleanups.push(bedrock.close, identity.close, vault.close);
    const dev = await start({
      AWS_REGION: bedrock.region,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      KEY_VAULT_URI: vault.url,
      AWS_CREDENTIALS_SECRET_NAME: 'mine',
      ...identity.environment,
    });
    const { call: url, key } = await printed(dev);
    expect((await post(url, { 'api-key': key })).status).toBe(200);
    expect(bedrock.requests).toMatchObject([{ verified: true }]);
    expect(vault.reads('mine')).toBe(1);
  });

  test('says so when its port is taken', async () => {
    const other = await listen(createServer());
    cleanups.push(other.close);
    const { code, text } = await runDev({ PORT: String(other.port) });
    expect(code).toBe(1);
    expect(text).toBe(`Port ${other.port} is taken. Stop what uses it, or choose another: PORT=7072 npm run dev\n`);
  });

  test('names every wrong setting, and no value', async () => {
    const { code, text } = await runDev({ AWS_SECRET_ACCESS_KEY: 'do-not-print', AWS_REGION: 'moon' });
    expect(code).toBe(1);
    expect(text).toMatch(/^Wrong settings: .*AWS_REGION.*AWS_ACCESS_KEY_ID.*\n$/);
    expect(text).not.toContain('do-not-print');
  });

  test('reads local.settings.json, behind the environment', async () => {
    const bedrock = await startBedrock();
    cleanups.push(bedrock.close);
    const Values = {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: EXAMPLE_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: EXAMPLE_KEY.secretAccessKey,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      KEY_VAULT_URI: '',
    };
    const folder = await folderOf(JSON.stringify({ IsEncrypted: false, Values }));
    const dev = await start({ AWS_REGION: bedrock.region, AWS_ACCESS_KEY_ID: '' }, { folder });
    const { call, key } = await printed(dev);
    expect((await post(call, { 'api-key': key })).status).toBe(200);
    expect(bedrock.requests).toMatchObject([{ verified: true }]);
    expect(dev.output()).toMatch(/^Settings +those of the environment, then those of local\.settings\.json$/m);
    expect(dev.output()).not.toContain(EXAMPLE_KEY.secretAccessKey);
  });

  test.each([
    ['{"Values":{"AWS_SECRET_ACCESS_KEY":"do-not-print}', 'local.settings.json is not a JSON object.'],
    ['[]', 'local.settings.json is not a JSON object.'],
    [
      '{"IsEncrypted":true,"Values":{}}',
      'local.settings.json is encrypted: `func settings decrypt` makes it readable.',
    ],
    ['{"Values":"do-not-print"}', '`Values` in local.settings.json must be an object.'],
    ['{"Values":{"AWS_REGION":["do-not-print"]}}', 'Values in local.settings.json must be strings: AWS_REGION'],
  ])('local.settings.json with %s', async (settings, expected) => {
    const { code, text } = await runDev({}, { folder: await folderOf(settings) });
    expect({ code, text }).toEqual({ code: 1, text: `${expected}\n` });
  });

  test('knows the words after it', async () => {
    const { code, text } = await runDev({}, { words: ['snippet'] });
    expect({ code, text }).toEqual({
      code: 1,
      text: 'Unknown: snippet. There are: npm run dev -- snippets, npm run dev -- emulated\n',
    });
  });
});

describe('lines of the log', () => {
  const record = {
    event: 'bedrock.request',
    time: '2030-01-02T03:04:05.678Z',
    status: 200,
    outcome: 'complete',
    durationMs: 12.6,
  };
  const console = { level: 'information', category: 'Host.Function.Console' } as const;
  const stream = { operation: 'ConverseStream', inputTokens: 14, outputTokens: 51 };
  const lineOf = (members: Partial<RequestRecord>) =>
    terminalLine({ ...console, message: JSON.stringify({ ...record, ...members }) });

  test.each<[Partial<RequestRecord>, string]>([
    [{ operation: 'ListAsyncInvokes' }, '200      13 ms  ListAsyncInvokes'],
    [
      { operation: 'Converse', modelId: 'amazon.nova', inputTokens: 14, outputTokens: 51, totalTokens: 65 },
      '200      13 ms  Converse  amazon.nova  14 in, 51 out',
    ],
    [
      { ...stream, firstTokenMs: 52.7, durationMs: 466.4, outputTokensPerSecond: 120.9 },
      '200     466 ms  ConverseStream  14 in, 51 out  first token 53 ms  121 tokens/s',
    ],
    [
      { ...stream, cacheReadInputTokens: 10, cacheWriteInputTokens: 5 },
      '200      13 ms  ConverseStream  14 in (cache: 10 read, 5 written), 51 out',
    ],
    [
      { ...stream, cacheReadInputTokens: 10, cacheWriteInputTokens: 0 },
      '200      13 ms  ConverseStream  14 in (cache: 10 read), 51 out',
    ],
    [{ operation: 'InvokeModel', inputTokens: 3 }, '200      13 ms  InvokeModel  3 in'],
    [{ operation: 'CountTokens', countedInputTokens: 14 }, '200      13 ms  CountTokens  14 counted'],
    [
      { operation: 'Messages', inputTokens: 14, usagePartial: true, outcome: 'clientClosed' },
      '200      13 ms  Messages  14 in so far  clientClosed',
    ],
    [
      {
        operation: 'ConverseStream',
        usageUnknown: 'cut',
        outcome: 'upstreamBroke',
        errorType: 'X',
        errorSource: 'bedrock',
      },
      "200      13 ms  ConverseStream  tokens unknown (cut)  upstreamBroke: X (Bedrock's)",
    ],
    [{ status: 404, outcome: 'refused', errorType: 'X', errorSource: 'client' }, "404      13 ms  -  X (the client's)"],
    [{ status: 503, outcome: 'refused', errorType: 'X', errorSource: 'proxy' }, "503      13 ms  -  X (the proxy's)"],
    [{ status: 502, errorSource: 'bedrock' }, "502      13 ms  -  error (Bedrock's)"],
    [{ operation: 'Responses', modelId: '\u001B[2Jé' }, '200      13 ms  Responses  ?[2J?'],
  ])('record with %j', (members, expected) => {
    expect(lineOf(members)).toMatch(/^\d\d:\d\d:\d\d {2}/);
    expect(lineOf(members)?.slice(10)).toBe(expected);
  });

  test('a caller that left before its answer began has seen no status', () => {
    const { status: _none, ...left } = { ...record, outcome: 'clientClosed' };
    const line = terminalLine({ ...console, message: JSON.stringify(left) });
    expect(line?.slice(10)).toBe('---      13 ms  -  clientClosed');
  });

  test('a request without an operation is called by its path', () => {
    const message = JSON.stringify({ ...record, status: 404, gatewayRequestId: 'g', errorType: 'X' });
    const name = (id: string | undefined) => (id === 'g' ? 'GET /\u001B[2J' : undefined);
    expect(terminalLine({ ...console, message }, name)?.slice(10)).toBe('404      13 ms  GET /?[2J  X');
  });

  test('what else the function writes, and errors, are shown; the rest is not', () => {
    const message = '{"event":"bedrock.credentials"}';
    expect(terminalLine({ ...console, message })).toBe(message);
    expect(terminalLine({ level: 'error', category: 'Host', message: 'died' })).toBe('died');
    expect(terminalLine({ level: 'information', category: 'Function.bedrock', message: 'Executing' })).toBeUndefined();
  });
});
