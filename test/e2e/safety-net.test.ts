import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { COUNT_OBJECTS, countObjects } from '../support/live-objects.ts';
import { root } from '../support/root.ts';

const folder = join(root, 'node_modules/.cache/safety-net');

/** An app that is the deployed bundle with a defect planted before its handler: what the header asks for happens. */
const SABOTEUR = `
  const core = require('@azure/functions-core');
  const wishes = new Map();
  const { setTimeout } = globalThis;
  // Ten seconds of waiting for an invocation that does not come; of one that comes, a busy machine may be late to hear.
  globalThis.setTimeout = (callback, milliseconds, ...rest) =>
    setTimeout(callback, wishes.get(rest[0]?.id) === 'lost' ? 50 : milliseconds, ...rest);
  const { subscribe } = require('node:diagnostics_channel');
  subscribe('http.server.request.start', ({ request }) => {
    const fault = new URL(request.url, 'http://worker').searchParams.get('fault');
    const id = request.headers['x-ms-invocation-id'];
    wishes.set(id, fault);
    // Of which the library fails before it calls the handler.
    if (fault === 'library') delete request.headers['x-forwarded-proto'];
  });
  require(${JSON.stringify(join(root, 'dist/index.cjs'))});
  // Later than the bundle: of which the library never hears.
  subscribe('http.server.request.start', ({ request }) => {
    const id = request.headers['x-ms-invocation-id'];
    if (wishes.get(id) === 'lost') delete request.headers['x-ms-invocation-id'];
  });
  const faults = {
    throws: () => { throw new Error('planted: secret prompt'); },
    rejects: () => Promise.reject('planted'),
    undefined: () => undefined,
    nothing: () => null,
    text: () => 'not a reply',
  };
  core.registerHook('preInvocation', (context) => {
    const handler = context.functionCallback;
    context.functionCallback = (request, invocation) => {
      const wish = wishes.get(invocation.invocationId);
      if (wish === 'stray') void Promise.reject(new Error('planted: a rejection without a handler'));
      const fault = faults[wish ?? ''];
      return fault === undefined ? handler(request, invocation) : fault();
    };
  });
`;

let host: FunctionsHost;
beforeAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'host.json'), join(folder, 'host.json'));
  await writeFile(join(folder, 'package.json'), '{"main":"main.cjs"}');
  await writeFile(join(folder, 'main.cjs'), SABOTEUR);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  host = await startFunctionsHost({
    appDirectory: folder,
    nodeArguments: COUNT_OBJECTS,
    environment: { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKIAX', AWS_SECRET_ACCESS_KEY: 'x' },
  });
});
afterAll(() => host.stop());

describe('a defect of ours is answered with 500, not with four minutes of nothing', () => {
  it.each(['throws', 'rejects', 'undefined', 'nothing', 'text'])('the fault "%s"', async (fault) => {
    const answer = await fetch(`${host.url}/health?fault=${fault}`, {
      headers: { 'x-functions-key': host.functionKey },
    });
    expect(answer.status).toBe(500);
    expect(answer.headers.get('x-amzn-errortype')).toBe('InternalServerException');
    expect(answer.headers.get('x-amzn-requestid')).toBe(answer.headers.get('x-ms-invocation-id'));
    expect(await answer.text()).toBe('{"message":"The proxy failed to handle this request."}');
  });

  it('a rejection that nobody handles is logged, and the worker goes on', async () => {
    const logged = new Promise<string>((resolve) => {
      host.onLog(({ message }) => {
        if (message.includes('without a handler')) resolve(message);
      });
    });
    const answer = await fetch(`${host.url}/health?fault=stray`, { headers: { 'x-functions-key': host.functionKey } });
    expect(answer.status).toBe(200);
    expect(JSON.parse(await logged)).toMatchObject({ event: 'bedrock.defect' });
    expect(host.restarts).toBe(0);
  });

  it('a request that the library cannot read is served, and nothing of it stays', async () => {
    const headers = { 'x-functions-key': host.functionKey };
    const before = await countObjects(host);
    for (let call = 0; call < 100; call += 1) {
      const answer = await fetch(`${host.url}/health?fault=library`, { headers });
      expect(answer.status).toBe(200);
      await answer.arrayBuffer();
    }
    expect((await countObjects(host)).responses - before.responses).toBeLessThan(20);
  });

  it('a call of which the library never hears is refused, and the line says whose it was, by ids and no name', async () => {
    const logged = new Promise<string>((resolve) => {
      host.onLog(({ message }) => {
        if (message.includes('bedrock.unclaimed')) resolve(message);
      });
    });
    const answer = await fetch(`${host.url}/health?fault=lost`, {
      headers: {
        'x-functions-key': host.functionKey,
        'x-gateway-subscription-id': 'team%20a',
        'x-gateway-subscription-name': 'Jane%20Doe',
        'x-gateway-user-id': 'jane.doe',
        'x-gateway-request-id': 'a1b2',
      },
    });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('x-amzn-errortype')).toBe('ValidationException');
    const requestId = answer.headers.get('x-amzn-requestid');
    expect(await answer.json()).toMatchObject({ message: expect.stringContaining('could not hand this request') });
    expect(JSON.parse(await logged)).toStrictEqual({
      event: 'bedrock.unclaimed',
      requestId,
      subscriptionId: 'team a',
      gatewayRequestId: 'a1b2',
    });
  });

  it('and the next call is served', async () => {
    const answer = await fetch(`${host.url}/health`, { headers: { 'x-functions-key': host.functionKey } });
    expect(answer.status).toBe(200);
  });
});
