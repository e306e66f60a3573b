import { json } from 'node:stream/consumers';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { EXAMPLE_KEY, startBedrock, type BedrockEmulator } from './bedrock.ts';
import { type ServiceName, SERVICES } from './services.ts';
import { sendSigned } from './signed-request.ts';

const NAMES = ['bedrock', 'bedrock-agent-runtime', 'bedrock-agentcore', 'bedrock-mantle'] as const;

const emulators = new Map<ServiceName, BedrockEmulator>();
beforeAll(async () => {
  for (const service of NAMES) emulators.set(service, await startBedrock({ service }));
});
afterAll(() => Promise.all(Array.from(emulators.values(), (each) => each.close())));
beforeEach(() => {
  for (const each of emulators.values()) each.reset();
});

async function send(
  name: ServiceName,
  method: string,
  target: string,
  body: object | Buffer = Buffer.alloc(0),
  as = '',
) {
  const service = as === '' ? SERVICES[name].signingName : as;
  const { response } = await sendSigned(emulators.get(name)?.url ?? '', EXAMPLE_KEY, target, body, { method, service });
  const answer = await response;
  const { message } = (await json(answer)) as { message?: string };
  return { status: answer.statusCode, type: answer.headers['x-amzn-errortype'], message };
}

describe('the signature', () => {
  it.each<[ServiceName, string, string]>([
    ['bedrock', '/foundation-models', 'bedrock-agentcore'],
    ['bedrock-agent-runtime', '/sessions/s/', 'bedrock-runtime'],
    ['bedrock-agentcore', '/ab-tests', 'bedrock'],
    ['bedrock-mantle', '/v1/models', 'bedrock'],
  ])("of %s is for the service's own name", async (name, target, other) => {
    expect((await send(name, 'GET', target)).status).toBe(200);
    expect(await send(name, 'GET', target, Buffer.alloc(0), other)).toMatchObject({
      status: 403,
      type: 'InvalidSignatureException',
    });
  });
});

describe("a service that is what AWS's client says of it", () => {
  it.each<[ServiceName, string, string, object | undefined, string]>([
    ['bedrock', 'GET', '/foundation-models/a/b', undefined, 'UnknownOperationException'],
    ['bedrock', 'POST', '/inference-profiles/a', {}, 'UnknownOperationException'],
    ['bedrock', 'GET', '/foundation-models?byColour=red', undefined, 'ValidationException'],
    ['bedrock', 'GET', '/inference-profiles?type=A&type=B', undefined, 'ValidationException'],
    ['bedrock', 'GET', '/inference-profiles', {}, 'ValidationException'],
    ['bedrock-agent-runtime', 'POST', '/rerank', { queries: [], sources: [] }, 'ValidationException'],
    ['bedrock-agent-runtime', 'POST', '/rerank', undefined, 'ValidationException'],
    ['bedrock-agent-runtime', 'PUT', '/sessions', {}, 'UnknownOperationException'],
    ['bedrock-agent-runtime', 'POST', '/model/a/converse', {}, 'UnknownOperationException'],
    ['bedrock-agentcore', 'POST', '/agentcore/runtimes/a/invocations', {}, 'UnknownOperationException'],
    ['bedrock-mantle', 'POST', '/model/a/converse', {}, 'UnknownOperationException'],
    ['bedrock-mantle', 'POST', '/v1/embeddings', {}, 'UnknownOperationException'],
    ['bedrock-mantle', 'POST', '/chat/completions', {}, 'UnknownOperationException'],
  ])('%s refuses %s %s %j: %s', async (name, method, target, body, type) => {
    expect(await send(name, method, target, body)).toMatchObject({ type, message: expect.any(String) });
  });

  it('takes a tag of a list several times, and bytes where the model has no members', async () => {
    const tags = '/tags/a?tagKeys=a&tagKeys=b';
    expect(await send('bedrock-agent-runtime', 'DELETE', tags)).toMatchObject({ status: 200 });
    const { response } = await sendSigned(
      emulators.get('bedrock-agentcore')?.url ?? '',
      EXAMPLE_KEY,
      '/runtimes/a/invocations',
      Buffer.from([0, 255]),
      { service: 'bedrock-agentcore', headers: [['mcp-session-id', 'm']] },
    );
    const answer = await response;
    expect(answer.statusCode).toBe(200);
    expect(Buffer.concat(await answer.toArray())).toStrictEqual(Buffer.from([0, 255]));
  });

  it('takes no header of another service', async () => {
    const { response } = await sendSigned(
      emulators.get('bedrock')?.url ?? '',
      EXAMPLE_KEY,
      '/foundation-models',
      Buffer.alloc(0),
      {
        method: 'GET',
        headers: [['mcp-session-id', 'm']],
      },
    );
    expect((await response).statusCode).toBe(400);
  });
});
