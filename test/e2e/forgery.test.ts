import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { ask, call } from '../support/chain-calls.ts';
import { COUNT_OBJECTS, countObjects } from '../support/live-objects.ts';
import { converse } from '../support/models.ts';

/** Enough that what stays of each would show. */
const FORGED_REQUESTS = Number(process.env['FORGED_REQUESTS'] ?? 600);

let chain: Chain;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());
afterEach(() => chain.bedrock.reset());

describe('headers that a body or a query makes the library believe', () => {
  it.each([
    ['a member of the body', '', (headers: object) => JSON.stringify({ messages: [], Headers: headers })],
    ['a member in another case', '', (headers: object) => JSON.stringify({ messages: [], headers })],
    ['no proper JSON', '', (headers: object) => `{messages:[],Headers:${JSON.stringify(headers)}}`],
    ['a query parameter', '?Headers=', () => '{"messages":[]}'],
  ])('by %s, do not admit anybody', async (_name, query, body) => {
    const forged = { authorization: `Bearer ${await chain.entra.issueToken()}` };
    const target = query === '' ? converse : `${converse}${query}${encodeURIComponent(JSON.stringify(forged))}`;
    const answer = await ask(chain, target, { door: 'host', body: body(forged) });
    expect(answer.status).toBe(401);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('do not take away the true ones, nor reach the record', async () => {
    const forged = { 'x-gateway-subscription-id': 'somebody-else', 'x-amzn-bedrock-trace': 'ENABLED' };
    const { answer, record } = await call(
      chain,
      `${converse}?Headers=${encodeURIComponent(JSON.stringify(forged))}&code=stolen`,
      {
        door: 'host',
        headers: {
          authorization: `Bearer ${await chain.entra.issueToken()}`,
          'x-gateway-subscription-id': '%C3%89quipe',
          'x-amzn-bedrock-guardrailversion': '1',
        },
        body: { messages: [], Headers: forged, path: '/health', code: 'stolen' },
      },
    );
    expect(answer.status).toBe(200);
    const [request] = chain.bedrock.requests;
    expect(request?.target).toBe(converse.replaceAll(':', '%3A'));
    expect(request?.headers).not.toHaveProperty('x-amzn-bedrock-trace');
    expect(request?.headers['x-amzn-bedrock-guardrailversion']).toBe('1');
    expect(record).toMatchObject({ subscriptionId: 'Équipe', operation: 'Converse', outcome: 'complete' });
  });
});

describe('headers that no header can hold, which the library cannot read', () => {
  const FORGED: [string, string, string][] = [
    ['a query parameter', `?Headers=${encodeURIComponent('{"x":"\u65e5"}')}`, '{"messages":[]}'],
    ['a member of the body', '', '{"messages":[],"Headers":{"a b":"c"}}'],
    ['a member with a line break', '', '{"messages":[],"Headers":{"a":"b\\r\\nc: d"}}'],
    ['a member outside of Latin-1', '', '{"messages":[],"Headers":{"x":"\\u65e5"}}'],
  ];

  it.each(FORGED)('by %s, are an ordinary request: admitted or refused by its own', async (_name, query, body) => {
    const target = converse + query;
    expect((await ask(chain, target, { door: 'host', body })).status).toBe(401);
    const { answer, record } = await call(chain, target, {
      door: 'host',
      body,
      headers: {
        authorization: `Bearer ${await chain.entra.issueToken()}`,
        'x-gateway-subscription-id': 'team-a',
      },
    });
    expect(answer.status).toBe(200);
    expect(record).toMatchObject({ subscriptionId: 'team-a', outcome: 'complete' });
  });

  it(
    'leave nothing behind',
    async () => {
      const counted = await startChain({
        callerAuth: 'functionKey',
        nodeArguments: COUNT_OBJECTS,
      });
      const headers = { 'api-key': counted.gateway.subscriptionKey, 'content-type': 'application/json' };
      const forge = async (count: number) => {
        for (let sent = 0; sent < count; sent += 50) {
          const calls = Array.from({ length: 50 }, async () => {
            const body = '{"Headers":{"a b":"x"},"messages":[]}';
            const answer = await fetch(counted.gateway.url + converse, { method: 'POST', headers, body });
            await answer.arrayBuffer();
            return answer.status;
          });
          expect(new Set(await Promise.all(calls))).toStrictEqual(new Set([200]));
        }
      };
      await forge(100);
      const before = await countObjects(counted.host);
      await forge(FORGED_REQUESTS);
      const after = await countObjects(counted.host);
      for (const kind of ['requests', 'responses', 'sockets', 'timers'] as const) {
        // One for each would be 600; the connections of 50 calls at a time, kept for the next, are none of them.
        expect(after[kind] - before[kind], kind).toBeLessThan(200);
      }
      await counted.close();
    },
    300_000 + 300 * FORGED_REQUESTS,
  );
});

describe('what a client sends beside its request', () => {
  it('does not reach Bedrock', async () => {
    const stale = {
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIDCLIENT/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00',
      'x-amz-date': '20200101T000000Z',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'X-Amz-Security-Token': 'stale',
      'x-amz-api-version': '2023-09-30',
      'x-forwarded-for': '1.2.3.4',
      'x-ms-client-principal': 'eyJ9',
      'x-ms-invocation-id': 'forged',
      'x-gateway-subscription-id': 'forged',
      cookie: 'a=b',
      'accept-encoding': 'gzip',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const answer = await ask(chain, `${converse}?X-Amz-Signature=1&subscription-key=k`, {
      headers: { accept: '*/*', 'user-agent': 'test', ...stale },
    });
    expect(answer.status).toBe(200);
    const [request] = chain.bedrock.requests;
    expect(request).toMatchObject({ verified: true, target: converse.replaceAll(':', '%3A') });
    expect(Object.keys(request?.headers ?? {}).toSorted()).toStrictEqual([
      'accept',
      'accept-encoding',
      'authorization',
      'connection',
      'content-length',
      'content-type',
      'host',
      'user-agent',
      'x-amz-content-sha256',
      'x-amz-date',
    ]);
    expect(request?.headers['accept-encoding']).toBe('identity');
    expect(JSON.stringify(request?.rawHeaders)).not.toMatch(/stale|forged|1\.2\.3\.4|AKIDCLIENT/);
  });

  it('a function key in header or query stays here', async () => {
    const keyed = await startChain({ callerAuth: 'functionKey' });
    for (const target of [`${converse}?code=${keyed.host.functionKey}`, converse]) {
      const headers = { 'x-functions-key': keyed.host.functionKey };
      expect((await ask(keyed, target, { door: 'host', headers })).status).toBe(200);
    }
    const sent = keyed.bedrock.requests.map(({ target, rawHeaders }) => [target, ...rawHeaders].join(' '));
    expect(sent.join(' ')).not.toContain(keyed.host.functionKey);
    expect(keyed.bedrock.requests.filter(({ target }) => target.includes('code'))).toHaveLength(0);
    expect((await ask(keyed, converse, { door: 'host' })).status).toBe(401);
    expect(keyed.host.logs.map(({ message }) => message).join(' ')).not.toContain(keyed.host.functionKey);
    await keyed.close();
  });
});
