import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { manualClock } from '../../support/manual-clock.ts';
import { beginCall } from '../../support/raw-client.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { createBehaviours, logged, nextChunk, type Behaviours } from './behaviours.ts';
import { call, createApp, open } from './fixture.ts';
import { startFunctionsHost } from './host.ts';

let app: Behaviours;

beforeAll(async () => {
  app = await createBehaviours();
});

afterEach(() => app.stopHosts());

afterAll(() => app.remove());

describe('a stream', () => {
  it('flows chunk by chunk', async () => {
    const host = await app.start();
    const response = await open(host.url, '/stream');
    expect(await nextChunk(response)).toBe('first');
    // Only now may the function send the second chunk.
    await call(host.url, '/release');
    expect(await text(response)).toBe('second');
  });

  it('starts with the first byte of its body, even when its headers are there earlier', async () => {
    const host = await app.start();
    let isOpen = false;
    const flushed = logged(host, 'headers are out');
    const opening = open(host.url, '/flushed').then(() => (isOpen = true));
    await flushed;
    for (let round = 0; round < 5; round += 1) await call(host.url, '/ok');
    expect(isOpen).toBe(false);
    await call(host.url, '/release');
    await opening;
  });

  it('that breaks off is cut, not ended', async () => {
    const host = await app.start();
    const response = await open(host.url, '/break');
    expect(await nextChunk(response)).toBe('first');
    await call(host.url, '/release');
    await expect(text(response)).rejects.toThrow('aborted');
  });

  it('shorter than its content-length is cut', async () => {
    const host = await app.start();
    const response = await open(host.url, '/short');
    expect(await nextChunk(response)).toBe('short');
    await expect(text(response)).rejects.toThrow('aborted');
  });

  it('waits for a client that reads slowly', async () => {
    const host = await app.start();
    const response = await open(host.url, '/flood');
    for (let round = 0; round < 20; round += 1) await call(host.url, '/produced');
    expect(Number((await call(host.url, '/produced')).body)).toBeLessThan(1024);
    let length = 0;
    for await (const chunk of response) length += (chunk as Buffer).length;
    expect(length).toBe(1024 * 65_536);
  });

  it('ends for the function too when the client goes away', async () => {
    const host = await app.start();
    const response = await open(host.url, '/stream');
    expect(await nextChunk(response)).toBe('first');
    const closed = logged(host, 'closed /stream');
    response.destroy();
    await closed;
  });
});

describe('an answer before the end of the upload', () => {
  function upload(url: string, headers: Record<string, string> = {}) {
    const { request, response } = beginCall(`${url}/early`, { method: 'POST', headers });
    request.write('the first chunk of many');
    return { request, response };
  }

  it('waits for it: HttpClient sends the whole request first', async () => {
    const host = await app.start();
    const begun = logged(host, 'request /early');
    const { request, response } = upload(host.url);
    let answered = false;
    void response.then(() => (answered = true));
    await begun;
    for (let round = 0; round < 5; round += 1) await call(host.url, '/ok');
    expect(answered).toBe(false);
    request.end();
    const answer = await response;
    expect([answer.statusCode, await text(answer)]).toEqual([413, 'too large']);
  });

  it.each([
    ['in chunks', {}],
    ['with a length', { 'content-length': '1000' }],
  ])('is an empty 500 when an upload %s stalls', async (framing, headers) => {
    const clock = manualClock();
    const host = await app.start({ clock });
    const begun = logged(host, 'request /early');
    const { response } = upload(host.url, headers);
    // One with a length is collected first: the function never hears of it.
    await (framing === 'in chunks' ? begun : waitUntil(() => clock.pending > 0));
    await clock.pass(6000);
    const answer = await response;
    expect([answer.statusCode, answer.headers.connection, await text(answer)]).toEqual([500, 'close', '']);
    expect(host.restarts).toBe(0);
  });
});

describe('a connection that the function destroys before its answer', () => {
  it('is made again for a request without a body, and answered there', async () => {
    const host = await app.start();
    expect(await call(host.url, '/destroy')).toMatchObject({ status: 200, body: 'second answer' });
  });

  it('is a 500 for one with a body, after all attempts', async () => {
    const host = await app.start();
    const seen: string[] = [];
    host.onLog(({ message }) => seen.push(message));
    expect((await call(host.url, '/destroy', { method: 'POST', body: 'x' })).status).toBe(500);
    expect(seen.filter((message) => message === 'request /destroy')).toHaveLength(1);
    expect(seen).toContain('Failed to proxy request: Stream was already consumed.');
  });
});

describe('the worker', () => {
  it('is replaced when it is killed; calls in it fail at once', async () => {
    const host = await app.start();
    const pid = host.workerPid;
    const stream = await open(host.url, '/stream');
    const hung = call(host.url, '/hang');
    // Answered after the worker took the call before it.
    await call(host.url, '/ok');
    await Promise.all([host.killWorker(), expect(text(stream)).rejects.toThrow('aborted')]);
    expect((await hung).status).toBe(500);
    expect([host.restarts, host.workerPid === pid]).toEqual([1, false]);
    expect((await call(host.url, '/ok')).body).toBe('ok');
  });

  it('tells its memory and processor time', async () => {
    const { rss, heapUsed, cpuMicroseconds } = await (await app.start()).workerUsage();
    expect(rss).toBeGreaterThan(heapUsed);
    expect(cpuMicroseconds).toBeGreaterThan(0);
  });

  it('runs its appTerminate hooks when the host stops', async () => {
    const host = await app.start();
    await host.stop();
    expect(host.logs.map(({ message }) => message)).toContain('terminating');
    expect(() => process.kill(host.workerPid, 0)).toThrow('ESRCH');
  });

  it('ends after the open calls when the host shuts down, and nobody reads its last lines', async () => {
    const host = await app.start();
    const stream = await open(host.url, '/stream');
    expect(await nextChunk(stream)).toBe('first');
    const down = host.shutDown();
    await call(host.url, '/release');
    expect(await text(stream)).toBe('second');
    await down;
    expect(host.logs.map(({ message }) => message)).not.toContain('terminating');
    expect(host.logs.map(({ message }) => message)).toContain('Worker terminated.');
  });

  it('loses the calls that do not end in their time when the host shuts down', async () => {
    const host = await app.start({ shutdownMs: 0 });
    const stream = await open(host.url, '/stream');
    const closed = logged(host, 'closed');
    await Promise.all([host.shutDown(), expect(text(stream)).rejects.toThrow('aborted')]);
    expect(await closed).toContain('/stream');
  });

  it('gets the app settings, and nothing of its surroundings', async () => {
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of the developer');
    const host = await app.start({ environment: { AWS_REGION: 'eu-west-1' } });
    const environment = JSON.parse((await call(host.url, '/environment')).body) as Record<string, string>;
    vi.unstubAllEnvs();
    expect(environment).toMatchObject({ AWS_REGION: 'eu-west-1', PATH: process.env['PATH'] });
    expect(environment).not.toHaveProperty('AWS_SECRET_ACCESS_KEY');
  });
});

describe('telemetry settings that the host cannot read', () => {
  it.each([
    [{ APPLICATIONINSIGHTS_CONNECTION_STRING: 'x' }],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'nonsense' }],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=b,nonsense' }],
  ])('%s stop it', async (environment) => {
    const host = await app.start({ environment });
    expect(await call(host.url, '/ok')).toMatchObject({ status: 503, body: 'Function host is not running.' });
    expect(host.functions).toEqual([]);
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense', OTEL_EXPORTER_OTLP_PROTOCOL: 'x', OTEL_METRIC_EXPORT_INTERVAL: 'abc' }],
    [{ OTEL_EXPORTER_OTLP_HEADERS: '@Microsoft.KeyVault(SecretUri=https://kv.example/secrets/a)' }],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=b, c=d', APPLICATIONINSIGHTS_CONNECTION_STRING: 'InstrumentationKey=a;' }],
  ])('%s do not', async (environment) => {
    const host = await app.start({ environment });
    expect((await call(host.url, '/ok')).status).toBe(200);
  });
});

describe('an app that cannot be loaded', () => {
  it.each([
    ['throws', 'throw new Error("bad setting");', /unable to load entry point "index\.cjs": bad setting/],
    ['exits', 'process.exit(3);', /exited with code 3/],
    ['does not stream', 'app.setup({ enableHttpStream: false });', /does not stream/],
  ])('because it %s stops the start', async (_why, code, message) => {
    const { directory, remove } = await createApp(code);
    await expect(startFunctionsHost({ appDirectory: directory })).rejects.toThrow(message);
    await remove();
  });
});
