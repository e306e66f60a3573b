import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import { ask, call } from '../support/chain-calls.ts';
import { openAiModel as model } from '../support/models.ts';

const messages = [{ role: 'user' as const, content: 'Hi' }];

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ settings: { OPERATIONS: GROUPS.join(','), BUDGETS: 'tokens/day=1000000' } });
});
afterAll(() => chain.close());
afterEach(() => {
  for (const service of [chain.bedrock, ...Object.values(chain.services)]) service.reset();
});

async function used(): Promise<number> {
  const { body } = await ask(chain, '/usage', { body: null });
  return JSON.parse(String(body)).budgets[0].used;
}

/** All that arrived at Bedrock. */
const arrived = () => [chain.bedrock, chain.services['bedrock-mantle']].flatMap(({ requests }) => requests);

describe.each(['/openai/v1', '/mantle/v1', '/mantle/openai/v1'])('a stream of chat completions on %s', (base) => {
  const client = () => new OpenAI({ baseURL: `${chain.gateway.url}${base}`, apiKey: chain.gateway.subscriptionKey });

  it('is counted though its caller does not ask for its usage, and sees none', async () => {
    const before = await used();
    const stream = await client().chat.completions.create({ model, messages, stream: true });
    let text = '';
    for await (const { choices, usage } of stream) {
      expect(choices).toHaveLength(1);
      expect(usage ?? null).toBeNull();
      text += choices[0]?.delta.content ?? '';
    }
    expect(text).toBe(TEXT);
    expect(await used()).toBeGreaterThan(before);
    const [request] = arrived();
    expect(JSON.parse(String(request?.body))).toStrictEqual({
      stream_options: { include_usage: true },
      model,
      messages,
      stream: true,
    });
  });

  it('whose caller asks goes as it is', async () => {
    const body = JSON.stringify({ model, messages, stream: true, stream_options: { include_usage: true } });
    const { answer, record } = await call(chain, `${base}/chat/completions`, { body });
    expect(String(answer.body)).toContain('"choices":[],"usage":{');
    expect(record).toMatchObject({ usageSource: 'stream', totalTokens: expect.any(Number) });
    expect(String(arrived()[0]?.body)).toBe(body);
  });

  it('and an answer that is no stream goes as it is', async () => {
    const body = JSON.stringify({ model, messages });
    expect((await ask(chain, `${base}/chat/completions`, { body })).status).toBe(200);
    expect(String(arrived()[0]?.body)).toBe(body);
  });
});

it.each(['/mantle/v1', '/mantle/openai/v1'])('a response in the background is refused on %s', async (base) => {
  const { answer, record } = await call(chain, `${base}/responses`, { body: { model, input: 'Hi', background: true } });
  expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([403, 'AccessDeniedException']);
  expect(record).toMatchObject({ outcome: 'refused', errorSource: 'client' });
  expect(arrived()).toStrictEqual([]);
  expect((await ask(chain, `${base}/responses`, { body: { model, input: 'Hi', background: false } })).status).toBe(200);
});
