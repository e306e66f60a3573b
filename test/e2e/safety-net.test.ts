import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from '../support/root.ts';

const folder = join(root, 'node_modules/.cache/safety-net');

/** An app that is the deployed bundle with a defect planted before its handler: what the header asks for happens. */
const SABOTEUR = `
  const core = require('@azure/functions-core');
  require(${JSON.stringify(join(root, 'dist/index.cjs'))});
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
      if (request.params.fault === 'stray') void Promise.reject(new Error('planted: a rejection without a handler'));
      const fault = faults[request.params.fault ?? ''];
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

  it('and the next call is served', async () => {
    const answer = await fetch(`${host.url}/health`, { headers: { 'x-functions-key': host.functionKey } });
    expect(answer.status).toBe(200);
  });
});
