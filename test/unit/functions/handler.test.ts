import { createServer } from 'node:http';

import { InvocationContext } from '@azure/functions';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';

import { systemClock } from '../../../src/clock.ts';
import { type Answer, createHandler } from '../../../src/functions/handler.ts';
import { collectExchanges } from '../../../src/functions/invocation.ts';
import { trackInFlight } from '../../../src/functions/shutdown.ts';
import { listen } from '../../support/listen.ts';

const ID = '4c094954-0000-4000-8000-000000000000';
const REPLY = {
  status: 500,
  headers: expect.objectContaining({ 'x-amzn-errortype': 'InternalServerException', 'x-amzn-requestid': ID }),
  body: Buffer.from('{"message":"The proxy failed to handle this request."}'),
};

collectExchanges(systemClock);
const server = createServer();
const { url: origin, close } = await listen(server);
afterAll(close);

let logged: string[];
beforeEach(() => {
  logged = [];
  vi.spyOn(console, 'error').mockImplementation((line: string) => void logged.push(line));
});
afterEach(() => vi.restoreAllMocks());

const context = () => new InvocationContext({ functionName: 'bedrock', invocationId: ID });

it('an invocation without its raw request is refused, since its headers could be forged', async () => {
  const answer = vi.fn<Answer>();
  expect(await createHandler(answer, trackInFlight())(undefined, context())).toStrictEqual(REPLY);
  expect(answer).not.toHaveBeenCalled();
  expect(logged.map((line) => JSON.parse(line))).toStrictEqual([
    { event: 'bedrock.defect', requestId: ID, cause: 'Error: no raw request' },
  ]);
});

it('a defect is told in the dialect of the route', async () => {
  const handle = createHandler(() => Promise.reject(new Error('planted')), trackInFlight());
  server.once('request', async (_request, response) => {
    const reply = await handle(undefined, context());
    response.writeHead(reply.status ?? 0).end(reply.body);
  });
  const answer = await fetch(`${origin}/openai/v1/responses`, { headers: { 'x-ms-invocation-id': ID } });
  const message = 'The proxy failed to handle this request.';
  expect([answer.status, await answer.json()]).toStrictEqual([
    500,
    { error: { message, type: 'server_error', code: 'InternalServerException', param: null }, message },
  ]);
});

it('an answer that rejects is a defect, and in flight until its connection is done with it', async () => {
  const inFlight = trackInFlight();
  const counts: number[] = [];
  const handle = createHandler(async ({ method, url }, { traceParent } = {}) => {
    counts.push(inFlight.count);
    throw new Error(`planted: ${method} ${url} ${traceParent}`);
  }, inFlight);
  const closed = Promise.withResolvers<void>();
  server.once('request', async (_request, response) => {
    response.once('close', closed.resolve);
    const reply = await handle(undefined, context());
    response.writeHead(reply.status ?? 0).end(reply.body);
  });
  const answer = await fetch(`${origin}/model?a=1`, { headers: { 'x-ms-invocation-id': ID } });
  expect(answer.status).toBe(500);
  expect(await answer.text()).toBe(String(REPLY.body));
  await closed.promise;
  expect([...counts, inFlight.count]).toStrictEqual([1, 0]);
  expect(logged.map((line) => JSON.parse(line))).toStrictEqual([
    { event: 'bedrock.defect', requestId: ID, cause: 'Error: planted: GET /model?a=1 undefined' },
  ]);
});
