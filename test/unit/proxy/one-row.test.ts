import { createServer, type IncomingMessage } from 'node:http';

import { afterAll, beforeAll, expect, it } from 'vitest';

import { createTargets } from '../../../src/aws/target.ts';
import { createRouter } from '../../../src/bedrock/route.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { Operation } from '../../../src/bedrock/service.ts';
import { systemClock } from '../../../src/clock.ts';
import { createPlanner } from '../../../src/regions/plan.ts';
import type { FinishedRequest } from '../../../src/record/finished-request.ts';
import { operationAttributes } from '../../../src/telemetry/attributes.ts';
import { instance } from '../budgets/instances.ts';
import { EVENT_STREAM } from '../../emulators/bedrock/answer.ts';
import { encodeEvent } from '../../emulators/bedrock/frames.ts';
import { startBareProxy } from '../../support/bare-proxy.ts';
import { listen, type Listening } from '../../support/listen.ts';
import { waitUntil } from '../../support/wait-until.ts';

/** What it takes to add an operation. */
const ROW: Operation = {
  name: 'PonderStream',
  group: 'inference',
  method: 'POST',
  template: '/model/{modelId}/ponder-stream',
  query: ['depth'],
  metering: 'used',
  genAi: 'chat',
  metadata: 'body',
  guardrail: 'body',
};

const MODEL = 'amazon.nova-lite-v1:0';
const USAGE = { inputTokens: 7, outputTokens: 3, totalTokens: 10 };
const ANSWER = [encodeEvent('contentBlockDelta', { delta: { text: 'Hm' } }), encodeEvent('metadata', { usage: USAGE })];

interface Arrived {
  readonly target: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const arrived: Arrived[] = [];
const finished: FinishedRequest[] = [];
let bedrock: Listening;
let proxy: Listening;

beforeAll(async () => {
  bedrock = await listen(
    createServer(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      arrived.push({ target: `${request.method} ${request.url}`, headers: request.headers, body });
      response.writeHead(200, EVENT_STREAM);
      for (const message of ANSWER) response.write(message);
      response.end();
    }),
  );
  const service = { ...RUNTIME, operations: [...RUNTIME.operations, ROW] };
  proxy = await startBareProxy({
    regions: ['us-east-1'],
    planRegions: createPlanner(['us-east-1'], systemClock),
    findRoute: createRouter([service]),
    targets: createTargets({
      regions: ['us-east-1'],
      endpoints: { useFips: false, overrides: { [service.hostPrefix]: bedrock.url } },
      limits: { connectMs: 10_000, headersMs: 10_000, idleMs: 10_000 },
    }),
    budgets: instance({ budgets: 'tokens/minute=10' }),
    requestMetadata: true,
    observe: (request) => finished.push(request),
  });
});
afterAll(() => Promise.all([proxy.close(), bedrock.close()]));

function ponder(query: string): Promise<Response> {
  return fetch(`${proxy.url}/model/${MODEL}/ponder-stream${query}`, {
    method: 'POST',
    headers: { 'x-gateway-subscription-id': 'team' },
    body: '{}',
  });
}

it('an operation that has got a row passes, is metered, named, attributed and limited', async () => {
  const refused = await ponder('?width=1');
  expect([refused.status, refused.headers.get('x-amzn-errortype')]).toStrictEqual([400, 'ValidationException']);
  await refused.arrayBuffer();
  expect(arrived).toStrictEqual([]);

  const answer = await ponder('?depth=2&code=key');
  expect(Buffer.from(await answer.arrayBuffer())).toStrictEqual(Buffer.concat(ANSWER));
  expect(arrived).toMatchObject([
    {
      target: `POST /model/${encodeURIComponent(MODEL)}/ponder-stream?depth=2`,
      headers: { authorization: expect.stringContaining('/us-east-1/bedrock/aws4_request') },
      body: '{"requestMetadata":{"subscriptionId":"team"}}',
    },
  ]);
  await waitUntil(() => finished.length === 2);
  const [, told] = finished;
  expect(told?.record).toMatchObject({
    operation: 'PonderStream',
    modelId: MODEL,
    ...USAGE,
    usageSource: 'stream',
    responseEvents: 2,
    firstTokenMs: expect.any(Number),
  });
  expect(told && operationAttributes(told)).toMatchObject({
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': MODEL,
  });

  // The budget of ten tokens is used up.
  const limited = await ponder('');
  await limited.arrayBuffer();
  expect(limited.status).toBe(429);
  expect(arrived).toHaveLength(1);
});
