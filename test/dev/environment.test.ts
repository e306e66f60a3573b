import { describe, expect, test } from 'vitest';

import { banner, pasteboard, type Started } from './banner.ts';
import { EMULATED_MODELS } from './emulated-models.ts';
import { readHttps, readPort, readTarget, readWishes } from './environment.ts';
import { gatewayLine, unnamedRequests } from './gateway-line.ts';
import { snippets } from './snippets.ts';

const ANY = { emulated: false };

describe('environment', () => {
  test('port', () => {
    expect(readPort({})).toBe(7071);
    expect(readPort({ PORT: '' })).toBe(7071);
    expect(readPort({ PORT: '8080' })).toBe(8080);
    for (const PORT of ['65536', '-1', '80a', '1.5']) expect(() => readPort({ PORT })).toThrow('PORT must be a number');
  });

  test('https', () => {
    expect([{}, { HTTPS: '' }, { HTTPS: '0' }, { HTTPS: '1' }].map(readHttps)).toEqual([false, false, false, true]);
    expect(() => readHttps({ HTTPS: 'yes' })).toThrow('HTTPS must be 1, or absent.');
  });

  test('words', () => {
    expect(readWishes([])).toEqual({ snippets: false, emulated: false });
    expect(readWishes(['emulated', 'snippets'])).toEqual({ snippets: true, emulated: true });
  });

  const keys = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };

  test('target', () => {
    expect(readTarget({ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: '' }, ANY).bedrock).toBe('emulated');
    expect(
      readTarget({ ...keys, CALLER_AUTH: 'entra', HTTPS_PROXY: 'http://proxy', EMPTY: undefined }, ANY),
    ).toMatchObject({
      bedrock: 'real',
      origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
      settings: { ...keys, CALLER_AUTH: 'functionKey', HTTPS_PROXY: 'http://proxy' },
    });
    expect(() => readTarget({ KEY_VAULT_URI: 'https://example.vault.azure.net' }, ANY)).toThrow(
      'AWS_REGION is missing',
    );
  });

  test('an emulated one gets what the proxy does, and nothing of who it is', () => {
    const environment = { ...keys, MAX_REQUEST_BYTES: '5', ENTRA_TENANT_ID: 't', KEY_VAULT_URI: 'v', PATH: '/bin' };
    expect(readTarget(environment, { emulated: true })).toEqual({
      bedrock: 'emulated',
      settings: { MAX_REQUEST_BYTES: '5' },
    });
  });
});

describe('banner', () => {
  const client = {
    url: 'https://localhost:65535/bedrock',
    key: '9bd26755-631b-44db-a155-3722f5249906',
    region: 'eu-central-1',
    modelId: 'amazon.nova-lite-v1:0',
  };
  const emulated = readTarget({}, ANY);
  const real = readTarget({ AWS_REGION: 'eu-central-1', KEY_VAULT_URI: 'https://example.vault.azure.net' }, ANY);
  const certificate = '/home/somebody/bedrock-proxy/dist/localhost-65535.pem';

  test.each<[string, Started]>([
    ['emulated', { target: emulated, client, fromFile: false, profile: false }],
    ['emulated, with a profile', { target: emulated, client, fromFile: false, profile: true }],
    ['over TLS', { target: emulated, client: { ...client, certificate }, fromFile: false, profile: true }],
    ['real, with a file', { target: real, client, fromFile: true, profile: true }],
  ])('%s: fits a terminal of 80 columns and 24 lines, below four of npm', (_name, started) => {
    const lines = banner(started).split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeLessThanOrEqual(19);
  });

  test('says whose keys pay', () => {
    expect(banner({ target: real, client, fromFile: false, profile: true })).toMatch(
      /^Bedrock +https:\/\/bedrock-runtime\.eu-central-1\.amazonaws\.com\n +AWS keys of https:\/\/example\.vault\.azure\.net\/, calls cost money$/m,
    );
  });

  test('says how a profile becomes keys, to whom has one', () => {
    const command = 'eval "$(aws configure export-credentials --format env)"';
    expect(banner({ target: emulated, client, fromFile: false, profile: true })).toContain(command);
    expect(banner({ target: emulated, client, fromFile: false, profile: false })).not.toContain(command);
  });

  test('names every model id that fails', () => {
    const text = banner({ target: emulated, client, fromFile: false, profile: false });
    for (const { modelId } of EMULATED_MODELS) expect(text).toContain(modelId.replace('emulated', ''));
    const pasted = pasteboard(client, emulated);
    for (const { modelId, meets } of EMULATED_MODELS) expect(pasted).toMatch(new RegExp(`^${modelId} +${meets}$`, 'm'));
    expect(pasteboard(client, real)).not.toContain('emulated.');
  });

  test('snippets begin and end without a line break, and tell endpoint and key', () => {
    for (const each of [client, { ...client, url: 'http://127.0.0.1:7071/bedrock' }, { ...client, certificate }]) {
      const all = snippets(each);
      expect(all[0]?.title).toBe('curl');
      for (const { text } of all) {
        expect(text).toBe(text.trim());
        expect(text).toContain(each.url);
        expect(text).toContain(each.key);
      }
    }
  });
});

describe('lines of the gateway', () => {
  const now = new Date(2030, 0, 2, 3, 4, 5);
  const request = {
    method: 'POST',
    target: '/bedrock//model/m/converse?api-key=k',
    rawHeaders: [],
    forwarded: undefined,
  };
  const made = (status: number, body: string) => ({ status, reason: '', headers: [], body });
  const flowing = (headers: [string, string][]) => ({ status: 503, reason: '', headers, body: process.stdin });
  const forwarded = { method: 'POST', target: '/model/m/converse', rawHeaders: ['x-gateway-request-id', 'g'] };

  test('a refusal, without the query', () => {
    expect(gatewayLine({ ...request, target: '/a\u001B?k' }, made(401, '{"message":"No."}'), now)).toBe(
      "03:04:05  401          -  POST /a?  No.  (the gateway's)",
    );
  });

  test('two slashes, of which the message itself tells', () => {
    expect(gatewayLine(request, made(404, '{"message":"None."}'), now)).toBe(
      "03:04:05  404          -  POST /bedrock//model/m/converse  None.  (the gateway's)",
    );
  });

  test('an answer of the host in the place of the function', () => {
    expect(gatewayLine({ ...request, forwarded }, flowing([]), now)).toBe(
      '03:04:05  503          -  POST /bedrock//model/m/converse',
    );
  });

  test('none for what the function has answered', () => {
    expect(gatewayLine({ ...request, forwarded }, flowing([['X-Amzn-RequestId', 'r']]), now)).toBeUndefined();
    const health = { method: 'GET', target: '/health', rawHeaders: [] };
    expect(gatewayLine({ ...request, forwarded: health }, flowing([]), now)).toBeUndefined();
  });

  test('names are given once', () => {
    const names = unnamedRequests();
    names.add(request);
    names.add({ ...request, forwarded });
    expect([names.take('g'), names.take('g'), names.take(undefined)]).toEqual([
      'POST /bedrock//model/m/converse',
      undefined,
      undefined,
    ]);
  });
});
