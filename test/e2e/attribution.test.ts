import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { fail } from '../emulators/bedrock/faults.ts';
import { type Chain, newKey, startChain, withApiKey } from '../emulators/chain.ts';
import { ask, call } from '../support/chain-calls.ts';
import { nextRecord } from '../support/records.ts';
import { converse, modelId } from '../support/models.ts';
import { onlyRequest } from '../support/only-request.ts';

const TEAM = {
  id: 'team-a',
  name: 'Équipe A',
  key: 'key-of-team-a',
  productId: 'assistants',
  userId: 'ada@example.com',
};
const ODD = { id: 'Ünit=1 (α)', name: 'Odd', key: 'key-of-odd', productId: 'two words' };
const PLAIN = { id: 'plain', key: 'key-of-plain' };
const IDS = { subscriptionId: 'team-a', productId: 'assistants' };
const HEADER = 'x-amzn-bedrock-request-metadata';

const messages = [{ role: 'user' as const, content: [{ text: 'What is a signature?' }] }];
const anthropic = JSON.stringify({
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 9,
  messages: [{ role: 'user', content: 'hello' }],
});

describe('REQUEST_METADATA=true', () => {
  const LIMIT = 21 * 1024 * 1024;
  let chain: Chain;
  let client: BedrockRuntimeClient;
  beforeAll(async () => {
    chain = await startChain({
      settings: { REQUEST_METADATA: 'true', MAX_REQUEST_BYTES: String(LIMIT) },
      subscriptions: [TEAM, ODD, PLAIN],
    });
    client = new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1 });
  });
  afterAll(async () => {
    client.destroy();
    await chain.close();
  });
  afterEach(() => chain.bedrock.reset());

  const requestMetadata = { team: 'x', subscriptionId: 'forged', 'with space': 'a:b_c@d$e#f=g/h+i,j-k.l' };
  const expected = { team: 'x', 'with space': 'a:b_c@d$e#f=g/h+i,j-k.l', ...IDS };

  describe('with the AWS SDK for JavaScript', () => {
    it('Converse', async () => {
      const answer = await client.send(new ConverseCommand({ modelId, messages, requestMetadata }));
      expect(answer.usage?.totalTokens).toBeGreaterThan(0);
      const request = onlyRequest(chain);
      expect(request.requestMetadata).toStrictEqual(expected);
      expect(JSON.parse(String(request.body))).toStrictEqual({ messages, requestMetadata: expected });
    });

    it('ConverseStream', async () => {
      const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages }));
      const events = await Array.fromAsync(stream ?? []);
      expect(events.at(-1)?.metadata?.usage?.outputTokens).toBeGreaterThan(0);
      expect(onlyRequest(chain).requestMetadata).toStrictEqual(IDS);
    });

    it('InvokeModel', async () => {
      await client.send(
        new InvokeModelCommand({ modelId, body: anthropic, requestMetadata: JSON.stringify(requestMetadata) }),
      );
      const request = onlyRequest(chain);
      expect(request.requestMetadata).toStrictEqual(expected);
      expect(request.signedHeaders).toContain(HEADER);
      expect(String(request.body)).toBe(anthropic);
    });

    it('InvokeModelWithResponseStream', async () => {
      const { body } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId, body: anthropic }));
      await Array.fromAsync(body ?? []);
      const request = onlyRequest(chain);
      expect(request.requestMetadata).toStrictEqual(IDS);
      expect(String(request.body)).toBe(anthropic);
    });

    it('CountTokens is left alone', async () => {
      await client.send(new CountTokensCommand({ modelId, input: { converse: { messages } } }));
      const request = onlyRequest(chain);
      expect(JSON.parse(String(request.body))).toStrictEqual({ input: { converse: { messages } } });
      expect(request.headers).not.toHaveProperty(HEADER);
    });

    it('too many entries are a ValidationException that says how many there may be', async () => {
      const map = Object.fromEntries(Array.from({ length: 15 }, (_, index) => [`key${index}`, 'v']));
      const conversation = client.send(new ConverseCommand({ modelId, messages, requestMetadata: map }));
      await expect(conversation).rejects.toThrow(ValidationException);
      await expect(conversation).rejects.toThrow('14 entries');
      const invoke = client.send(
        new InvokeModelCommand({ modelId, body: anthropic, requestMetadata: JSON.stringify(map) }),
      );
      await expect(invoke).rejects.toThrow(ValidationException);
      await expect(invoke).rejects.toThrow('14 entries');
      expect(chain.bedrock.requests).toHaveLength(0);
    });

    it("what breaks other limits of AWS is AWS's to refuse", async () => {
      const map = { 'no%percent': 'x' };
      await expect(client.send(new ConverseCommand({ modelId, messages, requestMetadata: map }))).rejects.toThrow(
        'The request metadata is not valid',
      );
      expect(chain.bedrock.requests).toHaveLength(1);
    });
  });

  it('shares its ids with the record, and tells AWS nothing else of the caller', async () => {
    const { answer, record } = await call(chain, converse);
    expect(record['bedrockRequestId']).toBe(answer.headers['x-amzn-requestid']);
    const { requestMetadata: sent, rawHeaders, body } = onlyRequest(chain);
    expect(record).toMatchObject({ ...sent });
    for (const hidden of [TEAM.name, encodeURIComponent(TEAM.name), TEAM.userId, TEAM.key]) {
      expect(rawHeaders.join('\n') + String(body)).not.toContain(hidden);
    }
  });

  it('ids are made to fit', async () => {
    await ask(chain, converse, { key: ODD.key });
    expect(onlyRequest(chain).requestMetadata).toStrictEqual({
      subscriptionId: '=C3=9Cnit=3D1 =28=CE=B1=29',
      productId: 'two words',
    });
  });

  it('a subscription of no product has no product', async () => {
    const headers = { [HEADER]: '{"productId":"forged"}' };
    await ask(chain, `/model/${modelId}/invoke`, { key: PLAIN.key, body: anthropic, headers });
    expect(onlyRequest(chain).requestMetadata).toStrictEqual({ subscriptionId: 'plain' });
  });

  it('a call that the gateway has not named is left alone', async () => {
    const body = '{ "messages" : [] }';
    const headers = { authorization: `Bearer ${await chain.entra.issueToken()}` };
    await ask(chain, converse, { door: 'host', headers, body });
    expect(String(onlyRequest(chain).body)).toBe(body);
  });

  it.each([
    ['a header that is no map', '/invoke', anthropic, { [HEADER]: 'team=x' }],
    ['no JSON at all', '/converse', 'prompt', {}],
    ['nothing', '/converse', '', {}],
    ['half an object', '/converse', '{"messages":[', {}],
    ['the member twice', '/converse', '{"requestMetadata":{},"requestMetadata":{}}', {}],
    ['UTF-16', '/converse-stream', Buffer.from('{"messages":[]}', 'utf16le'), {}],
    ['a compressed body', '/converse', '{}', { 'content-encoding': 'gzip' }],
  ])('%s is refused before Bedrock', async (_name, operation, body, headers) => {
    const { answer, record } = await call(chain, `/model/${modelId}${operation}`, { body, headers });
    expect(answer.status).toBe(400);
    expect(answer.headers['x-amzn-errortype']).toBe('ValidationException');
    expect(Object.keys(JSON.parse(String(answer.body)))).toStrictEqual(['message']);
    expect(chain.bedrock.requests).toHaveLength(0);
    expect(record).toMatchObject({ status: 400, outcome: 'refused', errorSource: 'client' });
  });

  it("a body at the limit may grow by the ids: the limit is the client's", async () => {
    const frame = ['{"a":"', '","requestMetadata":{"team":"x"}}'];
    const body = Buffer.from(frame.join('x'.repeat(LIMIT - frame.join('').length)));
    const { answer, record } = await call(chain, converse, { body });
    expect(answer.status).toBe(200);
    const { body: sent, requestMetadata: map, headers } = onlyRequest(chain);
    expect(map).toStrictEqual({ team: 'x', ...IDS });
    expect(sent.length).toBeGreaterThan(LIMIT);
    expect(headers['content-length']).toBe(String(sent.length));
    const head = body.length - '{"team":"x"}}'.length;
    expect(sent.subarray(0, head).equals(body.subarray(0, head))).toBe(true);
    expect(record['requestBytes']).toBe(LIMIT);
  });

  it('a body in chunks, without a length', async () => {
    const pieces = ['{"messages"', ':[],"requestMeta', 'data":{"tea', 'm":"x"}', '}'];
    await ask(chain, converse, { body: pieces });
    expect(onlyRequest(chain).requestMetadata).toStrictEqual({ team: 'x', ...IDS });
  });

  it.each(['/openai/v1/chat/completions', '/openai/v1/responses', '/anthropic/v1/messages'])(
    '%s is left alone',
    async (path) => {
      const body = `{"model":"${modelId}","max_tokens":9,"messages":[]}`;
      await ask(chain, path, { body });
      const request = onlyRequest(chain);
      expect(String(request.body)).toBe(body);
      expect(request.headers).not.toHaveProperty(HEADER);
    },
  );

  it("Bedrock's refusal passes untouched", async () => {
    chain.bedrock.answer(fail(400, 'ValidationException', 'From Bedrock.'));
    await expect(client.send(new ConverseCommand({ modelId, messages }))).rejects.toThrow('From Bedrock.');
    expect(onlyRequest(chain).requestMetadata).toStrictEqual(IDS);
  });

  it('two subscriptions at once are told apart, call by call', async () => {
    const clients = [TEAM, PLAIN].map(
      ({ key }) => new BedrockRuntimeClient({ ...chain.clientConfig(), requestHandler: withApiKey(key) }),
    );
    await Promise.all(
      clients.flatMap((each) =>
        Array.from({ length: 25 }, () => each.send(new ConverseCommand({ modelId, messages }))),
      ),
    );
    for (const each of clients) each.destroy();
    const byTeam = Map.groupBy(chain.bedrock.requests, (request) => request.requestMetadata?.['subscriptionId']);
    expect([byTeam.size, byTeam.get('team-a')?.length, byTeam.get('plain')?.length]).toStrictEqual([2, 25, 25]);
    // The records have the same names.
    for (const id of byTeam.keys()) await nextRecord(chain.host, (record) => record['subscriptionId'] === id);
  });
});

describe('without it', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({ subscriptions: [TEAM] });
  });
  afterAll(() => chain.close());
  afterEach(() => chain.bedrock.reset());

  it.each([
    ['/converse', ' {"requestMetadata" : {"subscriptionId":"own"}, "n":1e400} '],
    ['/converse', '{"requestMetadata":{"a":"b"},"requestMetadata":{"a":"b"}}'],
    ['/converse-stream', '{}'],
    ['/converse', '\ufeff{}'],
  ])('%s %s stays as it is', async (operation, body) => {
    await ask(chain, `/model/${modelId}${operation}`, { body });
    expect(String(onlyRequest(chain).body)).toBe(body);
  });

  it('a header of the client passes', async () => {
    const value = '{"subscriptionId":  "own"}';
    await ask(chain, `/model/${modelId}/invoke`, { body: anthropic, headers: { [HEADER]: value } });
    expect(onlyRequest(chain).headers[HEADER]).toBe(value);
  });
});

it('the ids stay when the keys have been rotated and the request is signed again', async () => {
  const chain = await startChain({ settings: { REQUEST_METADATA: 'true' }, subscriptions: [TEAM] });
  try {
    const next = newKey();
    await ask(chain, converse);
    chain.vault.set('aws-credentials', JSON.stringify(next));
    chain.bedrock.setKeys([next]);
    const answer = await ask(chain, converse);
    expect(answer.status).toBe(200);
    const [, refused, accepted] = chain.bedrock.requests;
    expect([refused?.verified, accepted?.verified]).toStrictEqual([false, true]);
    expect(accepted?.requestMetadata).toStrictEqual(IDS);
    expect(accepted?.body.equals(refused?.body ?? Buffer.alloc(0))).toBe(true);
  } finally {
    await chain.close();
  }
});
