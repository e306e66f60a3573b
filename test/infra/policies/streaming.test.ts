import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { CONVERSE, useHarness, TEAM } from '../../emulators/gateway/harness.ts';
import { policyFile, readPolicy, replaceOnce } from '../../emulators/gateway/policy-file.ts';
import { open } from '../../emulators/gateway/send.ts';
import { beginCall } from '../../support/raw-client.ts';
import { inSteps } from '../../emulators/gateway/response-buffer.ts';

const CALL = { target: `/bedrock${CONVERSE}`, headers: { 'api-key': TEAM.key } };

const harness = useHarness();

/** The backend's next response, in the hands of the test. */
function nextResponse(): Promise<ServerResponse> {
  return new Promise((resolve) => {
    harness.backend.answerWith((_, outgoing) => resolve(outgoing));
  });
}

describe('answers', () => {
  it('arrive chunk by chunk', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const opened = open(gateway.origin, CALL);
    (await backend).write('first');
    const chunks = (await opened)[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('first');
    (await backend).end('second');
    expect(String((await chunks.next()).value)).toBe('second');
    expect(await chunks.next()).toMatchObject({ done: true });
  });

  it('with their headers before the first chunk, those of the connection left out', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const opened = open(gateway.origin, CALL);
    const headers = { 'content-type': 'application/vnd.amazon.eventstream', connection: 'x-private', 'x-private': '1' };
    (await backend).writeHead(200, headers).flushHeaders();
    const answer = await opened;
    expect(answer.headers).toMatchObject({ 'content-type': 'application/vnd.amazon.eventstream' });
    expect(answer.headers).not.toHaveProperty('x-private');
    answer.destroy();
  });

  it('wait for one another where the policy does not say buffer-response="false"', async () => {
    await using policy = await policyFile(
      replaceOnce(await readPolicy('bedrock.xml'), 'buffer-response="false"', 'buffer-response="true"'),
    );
    const backend = nextResponse();
    const gateway = await harness.start({ policy: policy.path });
    const opened = open(gateway.origin, CALL);
    let ended = false;
    (await backend).write('first');
    const answer = await opened;
    const firstData = once(answer, 'data').then(([chunk]) => ({ text: String(chunk), ended }));
    // Enough turns for an unbuffered chunk to come through two loopback connections.
    for (let turn = 0; turn < 200; turn += 1) await nextTurn();
    ended = true;
    (await backend).end('second');
    expect(await firstData).toEqual({ text: 'firstsecond', ended: true });
  });

  it('buffered, come in steps of 8 KB', async () => {
    const source = new PassThrough();
    const steps = inSteps(source);
    source.write(Buffer.alloc(8191));
    await nextTurn();
    expect(steps.readableLength).toBe(0);
    source.write(Buffer.alloc(2));
    expect((await once(steps, 'data'))[0]).toHaveLength(8193);
    source.end('rest');
    expect(String((await once(steps, 'data'))[0])).toBe('rest');
  });

  it('that break off do not end well', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const opened = open(gateway.origin, CALL);
    (await backend).write('first');
    const answer = await opened;
    await once(answer, 'data');
    (await backend).destroy();
    await expect(once(answer, 'end')).rejects.toThrow('aborted');
  });

  it('go no faster than the client reads', async () => {
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024);
    const backendState = { sent: 0, idleTurns: 0 };
    const backend = nextResponse();
    const gateway = await harness.start();
    const opened = open(gateway.origin, CALL);
    const outgoing = await backend;
    outgoing.on('drain', () => (backendState.idleTurns = 0));
    const write = async () => {
      for (; backendState.sent < total; backendState.sent += chunk.length) {
        if (!outgoing.write(chunk)) await once(outgoing, 'drain');
      }
      outgoing.end();
    };
    const written = write();
    const answer = (await opened).pause();
    for (; backendState.idleTurns < 2000; backendState.idleTurns += 1) await nextTurn();
    expect(backendState.sent).toBeLessThan(total);

    let received = 0;
    for await (const part of answer) received += (part as Buffer).length;
    await written;
    expect(received).toBe(total);
  });
});

describe('a client that goes away', () => {
  it('while the answer streams, takes the request to the backend with it', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const opened = open(gateway.origin, CALL);
    (await backend).write('first');
    const answer = await opened;
    const gone = once(await backend, 'close');
    answer.destroy();
    await gone;
    expect((await backend).writableFinished).toBe(false);
  });

  it('before the answer begins, too', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const { request } = beginCall(gateway.origin + CALL.target, { method: 'POST', headers: CALL.headers });
    request.end();
    const gone = once(await backend, 'close');
    request.destroy();
    await gone;
    expect((await backend).headersSent).toBe(false);
  });
});

describe('uploads', () => {
  it('without a length arrive chunk by chunk', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const { request, response } = beginCall(gateway.origin + CALL.target, { method: 'POST', headers: CALL.headers });
    request.write('first');
    const chunks = (await backend).req[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('first');
    request.end('second');
    expect(String((await chunks.next()).value)).toBe('second');
    expect(await chunks.next()).toMatchObject({ done: true });
    (await backend).end();
    expect(await response).toMatchObject({ statusCode: 200 });
    request.destroy();
  });

  it('need not be over for an answer', async () => {
    const backend = nextResponse();
    const gateway = await harness.start();
    const { request, response } = beginCall(gateway.origin + CALL.target, { method: 'POST', headers: CALL.headers });
    request.write('first');
    (await backend).writeHead(413).end('enough');
    expect(await response).toMatchObject({ statusCode: 413 });
    request.destroy();
  });
});
