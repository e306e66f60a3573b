import { createServer } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { cutAt, endEarly, exceptionFrame } from '../../emulators/bedrock/faults.ts';
import type { ReceivedRequest } from '../../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import type { Gateway } from '../../emulators/gateway/gateway.ts';
import { listen } from '../../support/listen.ts';
import { forwardTo } from './between.ts';
import { expectSaid } from './said.ts';
import { besides, EVENT_DELAY_MS, instead, statuses, verify } from './verified.ts';

let chain: Chain;
let gateway: Gateway | undefined;
beforeAll(async () => {
  chain = await startChain({ eventDelayMs: EVENT_DELAY_MS });
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  chain.bedrock.reset();
});
afterAll(() => chain.close());

const streams = { when: ({ operation }: ReceivedRequest) => operation === 'ConverseStream' };

const AGAIN = /^Run it again; if it stays so, name another model: --model\./;

describe('check 19', () => {
  it('says that the gateway collects answers', async () => {
    gateway = await besides(chain, { edit: instead('buffer-response="false"', 'buffer-response="true"') });
    const results = await verify(gateway);
    expect(statuses(results)['failed']).toStrictEqual(['19']);
    expectSaid(results, '19', {
      status: 'failed',
      evidence: /^14 events in one piece, first after \d+ ms, last after \d+ ms \(0 % of the time\)$/,
      remedy: /^Something collects answers: an inherited policy that reads bodies/,
    });
    expect(results['19b']).toMatchObject({ status: 'skipped', blockedBy: '19' });
  });

  it.each([
    // The function tells it in the stream's own words.
    ['was cut', cutAt(700), 'modelStreamErrorException: The connection to Bedrock failed.'],
    ['ended with an exception', exceptionFrame('throttlingException', 'Slow down.'), 'throttlingException: Slow down.'],
    ['ended too early', endEarly(5), 'modelStreamErrorException: Bedrock ended the stream before its last event.'],
  ])('says that a stream %s', async (_, answer, told) => {
    chain.bedrock.answer(answer, streams);
    const results = await verify(chain.gateway);
    const evidence = `the stream ended with ${told}`;
    expectSaid(results, '19', { status: 'failed', evidence, remedy: AGAIN });
  });

  it.each([
    ['breaks streams off', true, /^the stream is not whole: a connection that broke off, after \d+ events$/],
    ['ends streams in the middle of an event', false, /^the stream is not whole: an end in the middle of an event, /],
  ])('says that something on the way %s', async (_, breaks, evidence) => {
    const pass = forwardTo(chain.gateway.origin);
    const front = await listen(
      createServer((request, response) => {
        if (!request.url?.endsWith('/converse-stream')) return pass(request, response);
        const write = response.write.bind(response);
        let written = 0;
        response.write = ((piece: Buffer) => {
          written += 1;
          if (written < 4) return write(piece);
          if (breaks) response.destroy();
          else response.end(piece.subarray(0, 20));
          response.write = () => true;
          return true;
        }) as typeof response.write;
        return pass(request, response);
      }),
    );
    const results = await verify({ ...chain.gateway, url: `${front.url}/bedrock` });
    await front.close();
    expectSaid(results, '19', {
      status: 'failed',
      evidence,
      remedy: /^Something on the way cuts or changes streams/,
    });
  });

  it('says that the type of streams is changed', async () => {
    const changeType = forwardTo(chain.gateway.origin, {
      headers: (headers) =>
        headers['content-type']?.[0]?.includes('eventstream')
          ? { ...headers, 'content-type': ['application/octet-stream'] }
          : headers,
    });
    const front = await listen(createServer(changeType));
    const results = await verify({ ...chain.gateway, url: `${front.url}/bedrock` });
    await front.close();
    expectSaid(results, '19', {
      status: 'failed',
      evidence: '200, but content-type application/octet-stream',
      remedy: /^A policy of the gateway changes answers/,
    });
  });
});
