import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, call } from '../support/chain-calls.ts';
import { openAiModel as model } from '../support/models.ts';
import { onlyRequest } from '../support/only-request.ts';

const id = 'resp_0a1b2c3d';

let chain: Chain;
let client: OpenAI;
beforeAll(async () => {
  chain = await startChain({ settings: { BUDGETS: 'tokens/minute=3000' } });
  client = new OpenAI({ baseURL: `${chain.gateway.url}/openai/v1`, apiKey: chain.gateway.subscriptionKey });
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

/** The only request that has reached Bedrock, properly signed. */
function received() {
  const { operation, target, labels, body } = onlyRequest(chain);
  expect(labels).toStrictEqual([id]);
  return { operation, target, body: String(body) };
}

describe("OpenAI's client", () => {
  it('reads a stored response', async () => {
    expect(await client.responses.retrieve(id)).toMatchObject({ id, status: 'completed' });
    expect(received()).toStrictEqual({ operation: 'GetResponse', target: `/openai/v1/responses/${id}`, body: '' });
  });

  it('reads it as a stream', async () => {
    const events = await Array.fromAsync(await client.responses.retrieve(id, { stream: true }));
    expect(events.map(({ type }) => type)).toStrictEqual(['response.created', 'response.completed']);
    expect(received().target).toBe(`/openai/v1/responses/${id}?stream=true`);
  });

  it('deletes it', async () => {
    await client.responses.delete(id);
    expect(received()).toStrictEqual({ operation: 'DeleteResponse', target: `/openai/v1/responses/${id}`, body: '' });
  });

  it('cancels it', async () => {
    expect(await client.responses.cancel(id)).toMatchObject({ id, status: 'cancelled' });
    expect(received()).toMatchObject({ operation: 'CancelResponse', target: `/openai/v1/responses/${id}/cancel` });
  });

  it('is told by AWS that nothing runs in the background, and by the proxy that items are not listed', async () => {
    await expect(client.responses.create({ model, input: 'hello', background: true })).rejects.toMatchObject({
      status: 400,
    });
    await expect(Array.fromAsync(client.responses.inputItems.list(id))).rejects.toMatchObject({
      status: 404,
      type: 'invalid_request_error',
      code: 'UnknownOperationException',
      message: expect.stringContaining('Served below /openai: '),
    });
    expect(chain.bedrock.requests).toHaveLength(1);
  });
});

describe('the tokens of a stored response were counted when it was made', () => {
  it.each([
    ['GET', `/openai/v1/responses/${id}`, 'GetResponse'],
    ['GET', `/openai/v1/responses/${id}?stream=true`, 'GetResponse'],
    ['DELETE', `/openai/v1/responses/${id}`, 'DeleteResponse'],
    ['POST', `/openai/v1/responses/${id}/cancel`, 'CancelResponse'],
  ])('%s %s', async (method, path, operation) => {
    const { answer, record } = await call(chain, path, { method, body: null });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.headers).filter((name) => /token|usage/i.test(name))).toStrictEqual([]);
    expect(record).toMatchObject({ operation, status: 200, outcome: 'complete' });
    expect(Object.keys(record).filter((name) => /token|usage/i.test(name))).toStrictEqual([]);
  });

  it('nor does a budget know of them', async () => {
    for (let time = 0; time < 3; time += 1) await client.responses.retrieve(id);
    // They tell 3,333 tokens each time, more than the budget.
    expect((await ask(chain, '/openai/v1/responses', { body: { model, input: 'hello' } })).status).toBe(200);
  });
});
