import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

import { afterEach, describe, expect, test } from 'vitest';

import type { RequestRecord } from '../../src/record/record.ts';
import { banner } from './banner.ts';
import { readPort, readTarget } from './environment.ts';
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

interface Dev {
  readonly child: ChildProcess;
  /** All that was printed so far. */
  output(): string;
  /** The output, once `pattern` is in it. Rejects when the process ends before. */
  until(pattern: RegExp): Promise<string>;
  /** As Ctrl-C in a terminal does it: the whole process group gets the signal. Resolves with the exit code. */
  interrupt(): Promise<number | null>;
}

/** `node test/dev/main.ts` with nothing in its environment but PATH and these variables. */
function startDev(environment: Readonly<Record<string, string>>): Dev {
  const child = spawn(process.execPath, ['test/dev/main.ts'], {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    detached: true,
  });
  const closed = once(child, 'close');
  const signal = (name: NodeJS.Signals) => child.exitCode === null && process.kill(-(child.pid ?? 0), name);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  cleanups.push(async () => {
    signal('SIGKILL');
    await closed;
  });
  return {
    child,
    output: () => text,
    async until(pattern) {
      while (!pattern.test(text)) {
        if (child.exitCode !== null) throw new Error(`ended without ${String(pattern)}:\n${text}`);
        await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), closed]);
      }
      return text;
    },
    async interrupt() {
      signal('SIGINT');
      await closed;
      return child.exitCode;
    },
  };
}

interface Call {
  readonly url: string;
  readonly key: string;
}

/** The call that the printed curl line makes, once it is printed. */
async function printedCall(dev: Dev): Promise<Call> {
  const text = await dev.until(/Ctrl-C stops it/);
  const [, url = '', key = ''] = /^curl (\S+) \\\n {2}-H 'api-key: ([^']+)'/m.exec(text) ?? [];
  return { url, key };
}

function post(url: string, headers: Record<string, string>): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: QUESTION,
  });
}

/** Starts the process and lets it end by itself. */
async function runDev(environment: Readonly<Record<string, string>>): Promise<{ code: number | null; text: string }> {
  const dev = startDev(environment);
  await once(dev.child, 'close');
  return { code: dev.child.exitCode, text: dev.output() };
}

describe('npm run dev', { timeout: 60_000 }, () => {
  test('serves the printed calls, and nobody else', async () => {
    const dev = startDev({ PORT: '0' });
    const { url, key } = await printedCall(dev);
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
    const text = await dev.until(/ 404 .*UnknownOperationException \(the client's\)$/m);
    expect(text.match(/^\d\d:\d\d:\d\d /gm)).toHaveLength(2);
  });

  test('prints JavaScript that runs as it is', async () => {
    const dev = startDev({ PORT: '0' });
    await printedCall(dev);
    const [, code = ''] = /--- JavaScript.*\n([\s\S]+?)\n\n/.exec(dev.output()) ?? [];
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
      cwd: root,
    });
    expect(stdout).toBe(TEXT);
    await dev.until(/ 200 +\d+ ms {2}ConverseStream {2}\S+ {2}\d+ in, 51 out {2}first token \d+ ms {2}\d+ tokens\/s$/m);
  });

  test('Ctrl-C ends it at once, and quietly', async () => {
    const dev = startDev({ PORT: '0' });
    const { url, key } = await printedCall(dev);
    const before = dev.output();
    expect(await dev.interrupt()).toBe(0);
    expect(dev.output()).toBe(before);
    await expect(post(url, { 'api-key': key })).rejects.toThrow('fetch failed');
  });

  test('AWS keys in the environment lead to the Bedrock they are for', async () => {
    const bedrock = await startBedrock();
    cleanups.push(bedrock.close);
    const dev = startDev({
      PORT: '0',
      AWS_REGION: bedrock.region,
      AWS_ACCESS_KEY_ID: EXAMPLE_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: EXAMPLE_KEY.secretAccessKey,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      CALLER_AUTH: 'entra',
    });
    const { url, key } = await printedCall(dev);
    expect((await post(url, { 'api-key': key })).status).toBe(200);
    expect((await post(url, { 'api-key': key, origin: 'https://example.com' })).status).toBe(403);
    expect((await post(url, {})).status).toBe(401);
    expect(bedrock.requests).toMatchObject([{ verified: true, accessKeyId: EXAMPLE_KEY.accessKeyId }]);
    expect(await dev.until(/ 200 +\d+ ms {2}Converse /)).not.toContain(EXAMPLE_KEY.secretAccessKey);
    expect(dev.output()).toContain(`${bedrock.url}, with the AWS keys of the environment`);
    expect(await dev.interrupt()).toBe(0);
  });

  test('a vault in the environment is read as whoever the environment says', async () => {
    const bedrock = await startBedrock();
    const identity = await startManagedIdentity();
    const vault = await startKeyVault({ identity, secrets: { mine: JSON.stringify(EXAMPLE_KEY) } });
    cleanups.push(bedrock.close, identity.close, vault.close);
    const dev = startDev({
      PORT: '0',
      AWS_REGION: bedrock.region,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      KEY_VAULT_URI: vault.url,
      AWS_CREDENTIALS_SECRET_NAME: 'mine',
      ...identity.environment,
    });
    const { url, key } = await printedCall(dev);
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
    const { code, text } = await runDev({ PORT: '0', AWS_SECRET_ACCESS_KEY: 'do-not-print', AWS_REGION: 'moon' });
    expect(code).toBe(1);
    expect(text).toMatch(/^Wrong settings: .*AWS_REGION.*AWS_ACCESS_KEY_ID.*\n$/);
    expect(text).not.toContain('do-not-print');
  });
});

describe('environment', () => {
  test('port', () => {
    expect(readPort({})).toBe(7071);
    expect(readPort({ PORT: '' })).toBe(7071);
    expect(readPort({ PORT: '8080' })).toBe(8080);
    for (const PORT of ['65536', '-1', '80a', '1.5']) expect(() => readPort({ PORT })).toThrow('PORT must be a number');
  });

  test('target', () => {
    const keys = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
    expect(readTarget({ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: '' })).toEqual({ bedrock: 'emulated' });
    expect(readTarget({ ...keys, CALLER_AUTH: 'entra', HTTPS_PROXY: 'http://proxy', EMPTY: undefined })).toMatchObject({
      bedrock: 'real',
      origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
      settings: { ...keys, CALLER_AUTH: 'functionKey', HTTPS_PROXY: 'http://proxy' },
    });
    expect(() => readTarget({ KEY_VAULT_URI: 'https://example.vault.azure.net' })).toThrow('AWS_REGION is missing');
  });

  test('the banner says whose keys pay', () => {
    const target = readTarget({ AWS_REGION: 'eu-central-1', KEY_VAULT_URI: 'https://example.vault.azure.net' });
    const client = { url: 'http://127.0.0.1:1/bedrock', key: 'k', region: 'eu-central-1', modelId: 'm' };
    expect(banner(target, client)).toContain(
      'https://bedrock-runtime.eu-central-1.amazonaws.com, with the AWS keys of https://example.vault.azure.net/',
    );
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

  test('what else the function writes, and errors, are shown; the rest is not', () => {
    const message = '{"event":"bedrock.credentials"}';
    expect(terminalLine({ ...console, message })).toBe(message);
    expect(terminalLine({ level: 'error', category: 'Host', message: 'died' })).toBe('died');
    expect(terminalLine({ level: 'information', category: 'Function.bedrock', message: 'Executing' })).toBeUndefined();
  });
});
