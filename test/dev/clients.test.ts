import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';

import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import OpenAI from 'openai';
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { TEXT } from '../emulators/bedrock/tokens.ts';
import { root } from '../support/root.ts';
import { type Dev, printed, type Printed, startDev } from './dev-process.ts';

// Real clients with their own settings, retries included, through `npm run dev`.

const ask = (modelId: string): ConverseCommandInput => ({
  modelId,
  messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
});

/** How many requests with this model id have left a line, once there is one; lines come 20 ms after an answer's end. */
async function linesOf(dev: Dev, modelId: string): Promise<number> {
  const line = new RegExp(`^\\d\\d:\\d\\d:\\d\\d .* ${modelId} `, 'gm');
  // Answered after all the others, so its line is behind theirs.
  const marker = `marker-${randomUUID()}`;
  const { call, key } = await printed(dev);
  await fetch(call.replace(/model\/[^/]+/, `model/${marker}`), {
    method: 'POST',
    headers: { 'api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(ask(marker)),
  });
  const text = await dev.until(new RegExp(marker));
  return text.match(line)?.length ?? 0;
}

describe('model ids for what goes wrong', () => {
  let dev: Dev;
  let client: BedrockRuntimeClient;
  let openai: OpenAI;

  beforeAll(async () => {
    dev = startDev({ PORT: '0' }, { folder: tmpdir() });
    const { url, key } = await printed(dev);
    client = new BedrockRuntimeClient({
      endpoint: url,
      region: 'us-east-1',
      token: { token: key },
      authSchemePreference: ['httpBearerAuth'],
      requestHandler: new NodeHttpHandler(),
    });
    openai = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key });
  });

  afterAll(async () => {
    client.destroy();
    await dev.kill();
  });

  test.each([
    ['emulated.throttled', 'ThrottlingException', 429, 3],
    ['emulated.server-error', 'InternalServerException', 500, 3],
    ['emulated.unavailable', 'ServiceUnavailableException', 503, 3],
    ['emulated.denied', 'AccessDeniedException', 403, 1],
    ['emulated.invalid', 'ValidationException', 400, 1],
    ['emulated.stream-error', 'ModelErrorException', 424, 1],
    ['anthropic.emulated.denied', 'AccessDeniedException', 403, 1],
    ['emulated.late', 'ModelTimeoutException', 408, 1],
    ['emulated.cut', 'ServiceUnavailableException', 503, 3],
  ])('%s: %s, status %i, attempts %i', async (modelId, name, httpStatusCode, attempts) => {
    const error: unknown = await client.send(new ConverseCommand(ask(modelId))).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name, $metadata: { httpStatusCode, attempts } });
    expect(await linesOf(dev, modelId)).toBe(attempts);
  });

  test.each(['emulated.cut', 'emulated.stream-error'])('%s: a stream that begins and breaks', async (modelId) => {
    const before = await linesOf(dev, modelId);
    const { stream } = await client.send(new ConverseStreamCommand(ask(modelId)));
    const pieces: string[] = [];
    const reading = (async () => {
      for await (const { contentBlockDelta } of stream ?? []) pieces.push(contentBlockDelta?.delta?.text ?? '');
    })();
    await expect(reading).rejects.toMatchObject({ name: 'ModelStreamErrorException' });
    expect(pieces.join('').length).toBeGreaterThan(0);
    expect(TEXT.startsWith(pieces.join(''))).toBe(true);
    expect(pieces.join('')).not.toBe(TEXT);
    expect(await linesOf(dev, modelId)).toBeGreaterThan(before);
  });

  test('emulated.slow: a second before each piece', async () => {
    const abort = new AbortController();
    const start = performance.now();
    const command = new ConverseStreamCommand(ask('emulated.slow'));
    const { stream } = await client.send(command, { abortSignal: abort.signal });
    let pieces = 0;
    for await (const { contentBlockDelta } of stream ?? []) {
      if (contentBlockDelta !== undefined) pieces += 1;
      if (pieces === 2) break;
    }
    abort.abort();
    // One before the headers, one before each event but the first; a busy machine only adds to it.
    expect(performance.now() - start).toBeGreaterThan(2900);
    await dev.until(/ ConverseStream {2}emulated\.slow {2}.*clientClosed/);
  });

  test('clients of other routes get them too', async () => {
    const asked = { model: 'emulated.throttled', messages: [{ role: 'user' as const, content: 'Hello' }] };
    await expect(openai.chat.completions.create(asked, { maxRetries: 0 })).rejects.toMatchObject({ status: 429 });
    const stream = await openai.chat.completions.create({ ...asked, model: 'emulated.cut', stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow(Error);
  });

  test('any other id is answered', async () => {
    const { output } = await client.send(new ConverseCommand(ask('emulated.nothing')));
    expect(output?.message?.content?.[0]?.text).toBe(TEXT);
  });
});

describe('HTTPS=1', () => {
  let dev: Dev;
  let settings: Printed;
  let certificate: string;

  beforeAll(async () => {
    dev = startDev({ PORT: '0', HTTPS: '1' }, { folder: tmpdir(), words: ['snippets'] });
    settings = await printed(dev);
    [, certificate = ''] = /^Certificate +(.+)$/m.exec(dev.output()) ?? [];
  });

  afterAll(() => dev.kill());

  const run = (code: string, environment: Readonly<Record<string, string>>) =>
    promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], { cwd: root, env: environment });

  test('the default handler of the AWS SDK streams by HTTP/2, as the snippet is printed', async () => {
    const [, code = ''] = /^--- JavaScript \(AWS SDK\).*\n([\s\S]+?)\n\n/m.exec(dev.output()) ?? [];
    expect(code).not.toContain('requestHandler');
    expect((await run(code, { NODE_EXTRA_CA_CERTS: certificate })).stdout).toBe(TEXT);
    await expect(run(code, {})).rejects.toThrow('self-signed certificate');
  });

  test.each(['Anthropic SDK', 'OpenAI SDK'])('%s by HTTP/1.1, as the snippet is printed', async (name) => {
    const [, code = ''] =
      new RegExp(`^--- JavaScript \\(${name}\\).*\\n([\\s\\S]+?)\\n\\n`, 'm').exec(dev.output()) ?? [];
    expect((await run(code, { NODE_EXTRA_CA_CERTS: certificate })).stdout.trim()).toBe(TEXT);
  });

  test('what breaks does not look complete by HTTP/2 either, and errors keep their types', async () => {
    const code = `
      import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
      const client = new BedrockRuntimeClient({ endpoint: '${settings.url}', region: 'us-east-1' });
      const ask = (modelId) => ({ modelId, messages: [{ role: 'user', content: [{ text: 'Hello' }] }] });
      const { stream } = await client.send(new ConverseStreamCommand(ask('emulated.cut')));
      const cut = await Array.fromAsync(stream).catch(({ name }) => name);
      const failed = await client.send(new ConverseCommand(ask('emulated.throttled')))
        .catch(({ name, $metadata }) => [name, $metadata.httpStatusCode, $metadata.attempts]);
      console.log(JSON.stringify([cut, failed]));
      client.destroy();`;
    const environment = { NODE_EXTRA_CA_CERTS: certificate, AWS_BEARER_TOKEN_BEDROCK: settings.key };
    expect(JSON.parse((await run(code, environment)).stdout)).toEqual([
      'ModelStreamErrorException',
      ['ThrottlingException', 429, 3],
    ]);
  });

  test.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
  ])('ALPN of %j is %s', async (ALPNProtocols, expected) => {
    const ca = await readFile(certificate);
    const port = Number(new URL(settings.url).port);
    const negotiated = await new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, ALPNProtocols }, () => {
        resolve(socket.alpnProtocol);
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(negotiated).toBe(expected);
  });

  test('its certificate goes with it, and so do the rules of the gateway', async () => {
    const stop = await run(
      `const { status } = await fetch('${settings.call}', { method: 'POST', headers: { 'api-key': 'wrong' } });
       console.log(status);`,
      { NODE_EXTRA_CA_CERTS: certificate },
    );
    expect(stop.stdout.trim()).toBe('401');
    await dev.until(/ 401 .*\(the gateway's\)$/m);
    expect(await dev.interrupt()).toBe(0);
    await expect(readFile(certificate)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
