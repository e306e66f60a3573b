import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { manualClock } from '../../support/manual-clock.ts';
import { waitUntil } from '../../support/wait-until.ts';
import { exchange } from '../../fuzz/connection.ts';
import { createBehaviours, logged, nextChunk, order, type Behaviours } from './behaviours.ts';
import { call, open } from './fixture.ts';

/** Between a function's timeout and what follows from it. */
const GRACE_MS = 2000;

let app: Behaviours;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

beforeAll(async () => {
  app = await createBehaviours();
});

afterEach(() => app.stopHosts());

afterAll(() => app.remove());

describe('a function that throws', () => {
  it('leaves the client without an answer until functionTimeout, and its worker alive', async () => {
    const clock = manualClock();
    const host = await app.start({ functionTimeoutMs: 3000, timeoutGraceMs: GRACE_MS, clock });
    const thrown = logged(host, 'boom');
    const timeout = logged(host, 'Timeout value');
    const answer = call(host.url, '/throw');
    await thrown;
    await clock.pass(3000);
    await timeout;
    let answered = false;
    void answer.then(() => (answered = true));
    await clock.pass(GRACE_MS - 1);
    expect(answered).toBe(false);
    await clock.pass(1);
    expect(await answer).toMatchObject({ status: 500, body: '' });
    expect(host.restarts).toBe(0);
  });

  it('leaves it without an answer until the activity timeout, when that is shorter', async () => {
    const clock = manualClock();
    const host = await app.start({ activityTimeoutMs: 500, clock });
    const thrown = logged(host, 'boom');
    const closed = logged(host, 'RequestTimedOut');
    const answer = call(host.url, '/throw');
    await thrown;
    await clock.pass(500);
    await closed;
    expect((await answer).status).toBe(500);
  });
});

describe('the activity timeout', () => {
  it('before the answer cuts the function off and tells the client nothing; it gets 500 when the function ends', async () => {
    const clock = manualClock();
    const host = await app.start({ activityTimeoutMs: 500, clock });
    const begun = logged(host, 'request /wait');
    const closed = logged(host, 'closed /wait');
    const released = closed.then(() => call(host.url, '/release'));
    const answer = call(host.url, '/wait');
    await begun;
    await clock.pass(500);
    expect(await order({ answer, closed })).toEqual(['closed', 'answer']);
    await released;
    expect((await answer).status).toBe(500);
  });

  it('within the answer cuts the client off', async () => {
    const clock = manualClock();
    const host = await app.start({ activityTimeoutMs: 500, clock });
    const response = await open(host.url, '/stream');
    expect(await nextChunk(response)).toBe('first');
    const rest = text(response);
    await clock.pass(500);
    await expect(rest).rejects.toThrow('aborted');
  });
});

describe('functionTimeout', () => {
  it('restarts the worker, with every stream in it, before the client gets its 500', async () => {
    const clock = manualClock();
    const host = await app.start({ functionTimeoutMs: 1000, timeoutGraceMs: GRACE_MS, clock });
    const pid = host.workerPid;
    const begun = logged(host, 'request /hang');
    const hung = call(host.url, '/hang');
    await begun;
    // The stream has some time left when the other has none.
    await clock.pass(10);
    const stream = await open(host.url, '/stream');
    expect(await nextChunk(stream)).toBe('first');
    const cut = text(stream).catch((error: Error) => error.message);
    const terminating = logged(host, 'terminating');
    await clock.pass(990);
    await clock.pass(GRACE_MS);
    expect(await order({ hung, cut })).toEqual(['cut', 'hung']);
    await terminating;
    expect(await cut).toBe('aborted');
    expect(await hung).toMatchObject({ status: 500, body: '' });
    expect(host.restarts).toBe(1);
    expect(host.workerPid).not.toBe(pid);
    expect((await call(host.url, '/ok')).body).toBe('ok');
  });

  it('is what one header outside of ASCII leads to', async () => {
    const host = await app.start({ functionTimeoutMs: 500 });
    const socket = connect(host.port, '127.0.0.1');
    socket.write('GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Name: \u00c9quipe\r\n\r\n', 'utf8');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 500 /);
    expect(host.restarts).toBe(1);
  });

  it('is what a control character in a value leads to, unless the server of the library reads leniently', async () => {
    const host = await app.start({ functionTimeoutMs: 1000 });
    const request = 'GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Name: a\u0001b\r\n\r\n';
    expect(await exchange(host.port, request, 'GET')).toMatchObject({ status: 500, body: '' });
    expect(host.restarts).toBe(1);
    const lenient = await app.start({ functionTimeoutMs: 200_000, nodeArguments: ['--insecure-http-parser'] });
    expect(await exchange(lenient.port, request, 'GET')).toMatchObject({ status: 200, body: 'ok' });
    expect(lenient.restarts).toBe(0);
  });

  it('is the only way back from a worker that exited with code 0', async () => {
    const clock = manualClock();
    const host = await app.start({ functionTimeoutMs: 500, timeoutGraceMs: GRACE_MS, clock });
    const pid = host.workerPid;
    const answer = call(host.url, '/exit');
    await waitUntil(() => !isAlive(pid));
    await clock.pass(500);
    expect(host.restarts).toBe(0);
    await clock.pass(GRACE_MS);
    expect((await answer).status).toBe(500);
    expect(host.restarts).toBe(1);
    expect((await call(host.url, '/ok')).body).toBe('ok');
  });
});
