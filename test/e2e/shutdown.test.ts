import { buffer } from 'node:stream/consumers';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { EVENT_STREAM, SERVER_SENT_EVENTS } from '../emulators/bedrock/answer.ts';
import { controlled, type Controlled } from '../emulators/bedrock/controlled.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { begin } from '../support/chain-calls.ts';
import { manualClock } from '../support/manual-clock.ts';
import { patientFarewell } from '../support/patient-farewell.ts';
import { nextChunk, type RawCall } from '../support/raw-client.ts';
import { converse, converseStream } from '../support/models.ts';

const EVENT = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } });

let chain: Chain;
afterEach(() => chain.close());

const startPatient = async () => {
  chain = await startChain(patientFarewell());
};

/** A call whose answer the test sends. */
function beginControlled(path: string, headers: Record<string, string>) {
  const stream = controlled(headers);
  chain.bedrock.answer(stream.responder, { when: ({ target }) => target === path.replace(':', '%3A') });
  return { stream, response: begin(chain, path).response };
}

/** Ends when the worker has exited by itself; had it been killed, the line would be missing. */
function expectOrderlyEnd(): void {
  const messages = chain.host.logs.map(({ message }) => message);
  expect(messages).toContain('Worker terminated.');
  expect(messages.filter((message) => message.includes('bedrock.defect'))).toStrictEqual([]);
  expect(chain.host.logs.filter(({ level }) => level === 'error' || level === 'critical')).toStrictEqual([]);
}

function outcomes(): unknown[] {
  return chain.host.logs
    .filter(({ message }) => message.startsWith('{"event":"bedrock.request"'))
    .map(({ message }) => JSON.parse(message).outcome);
}

/** Sends so many pieces, each once the client has the one before. */
async function sendPieces(answer: Controlled, response: RawCall['response'], piece: Buffer, pieces: number) {
  for (let sent = 0; sent < pieces; sent += 1) {
    await answer.send(piece);
    expect((await nextChunk(await response))?.equals(piece)).toBe(true);
  }
}

describe('when the host shuts down', () => {
  beforeEach(startPatient);

  it('an idle worker ends', async () => {
    expect((await begin(chain, converse).response).statusCode).toBe(200);
    await chain.host.shutDown();
    expectOrderlyEnd();
    expect(outcomes()).toStrictEqual(['complete']);
  });

  it('a stream under way is finished before the worker is asked, and its record is in the log', async () => {
    const { stream: answer, response } = beginControlled(converseStream, EVENT_STREAM);
    await sendPieces(answer, response, EVENT, 1);
    const down = chain.host.shutDown();
    await sendPieces(answer, response, EVENT, 100);
    await answer.send(encodeEvent('messageStop', { stopReason: 'end_turn' }));
    await answer.end();
    await response.then(buffer);
    await down;
    expectOrderlyEnd();
    expect(outcomes()).toStrictEqual(['complete']);
  });
});

describe('when the host asks the worker to end, with calls in it', () => {
  beforeEach(startPatient);

  it('an idle worker ends', async () => {
    expect((await begin(chain, converse).response).statusCode).toBe(200);
    await chain.host.stop();
    expectOrderlyEnd();
  });

  it.each([
    ['an event stream', converseStream, EVENT_STREAM, EVENT],
    ['server-sent events', '/openai/v1/chat/completions', SERVER_SENT_EVENTS, Buffer.from('data: 1\n\n')],
  ])('%s under way is finished, and recorded as complete', async (_name, path, headers, piece) => {
    const { stream: answer, response } = beginControlled(path, headers);
    await sendPieces(answer, response, piece, 1);
    const stopped = chain.host.stop();
    await sendPieces(answer, response, piece, 100);
    await answer.end();
    expect(await nextChunk(await response)).toBeUndefined();
    await stopped;
    expectOrderlyEnd();
    expect(outcomes()).toStrictEqual(['complete']);
  });

  it('calls that Bedrock has not answered yet get their answers', async () => {
    const calls: ReturnType<typeof beginControlled>[] = [];
    for (let count = 0; count < 10; count += 1) {
      const call = beginControlled(converse, { 'content-type': 'application/json' });
      calls.push(call);
      await call.stream.started;
    }
    const stopped = chain.host.stop();
    // One after the other, so that the worker has long been asked when the last one comes.
    for (const { stream: answer, response } of calls) {
      await answer.send('{"whole":true}');
      await answer.end();
      await response;
    }
    const bodies = await Promise.all(calls.map(async ({ response }) => String(await buffer(await response))));
    expect(new Set(bodies)).toStrictEqual(new Set(['{"whole":true}']));
    await stopped;
    expectOrderlyEnd();
    expect(outcomes()).toStrictEqual(Array.from({ length: 10 }, () => 'complete'));
  });
});

describe('when the host asks the worker to end, and a call in it does not', () => {
  beforeEach(async () => {
    // The host's own five seconds do not pass: what ends the stream is the function.
    chain = await startChain({ hostClock: manualClock() });
  });

  it('a stream without an end is cut after four seconds, does not look complete, and ends at Bedrock', async () => {
    const { stream: answer, response } = beginControlled(converseStream, EVENT_STREAM);
    await sendPieces(answer, response, EVENT, 1);
    const [cut] = await Promise.allSettled([response.then(buffer), chain.host.stop()]);
    expect(cut).toMatchObject({ status: 'rejected', reason: { message: 'aborted' } });
    await (
      await answer.started
    ).aborted;
    expect(chain.host.logs.map(({ message }) => message)).toContain('Worker terminated.');
    expect(chain.host.logs.filter(({ message }) => message.includes('bedrock.defect'))).toStrictEqual([]);
  });
});
