import { createServer } from 'node:http';

import { afterEach, describe, expect, it } from 'vitest';

import { type Chain, type ChainOptions, startChain } from '../../emulators/chain.ts';
import { listen } from '../../support/listen.ts';
import { expectSaid } from './said.ts';
import { besides, statuses, verify } from './verified.ts';

const only = ['11', '12', '13', '14', '15', '16'];

let chain: Chain | undefined;
afterEach(async () => {
  await chain?.close();
  chain = undefined;
});

async function verifyWith(options: ChainOptions, key?: string) {
  chain = await startChain(options);
  return verify(chain.gateway, { only, ...(key === undefined ? {} : { key }) });
}

describe('check 13', () => {
  it('says that the key is of another product', async () => {
    const results = await verifyWith({}, 'a-key-of-another-product');
    expect(statuses(results)).toStrictEqual({ ok: ['11', '12'], failed: ['13'], skipped: ['14', '15', '16'] });
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^401 UnauthorizedException of the gateway/,
      remedy: /^Use a key of an active subscription whose product holds this API/,
    });
  });

  it('says that the token of the gateway is for another audience', async () => {
    const results = await verifyWith({ settings: { ENTRA_AUDIENCE: 'api://another' } });
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^401 UnauthorizedException of the function.*\(x-ms-invocation-id [\w-]+\)$/,
      remedy: /^The function does not take the token of the gateway: audience/,
    });
  });

  it('says that the gateway is another identity', async () => {
    const results = await verifyWith({
      settings: { ENTRA_ALLOWED_CALLERS: '66666666-7777-8888-9999-000000000000' },
    });
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^403 AccessDeniedException of the function/,
      remedy: /^The gateway has another identity than ENTRA_ALLOWED_CALLERS/,
    });
  });

  it('says that there is no key in the vault', async () => {
    const results = await verifyWith({ secrets: {} });
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^503 ServiceUnavailableException of the function/,
      remedy: /^There is no readable key in the vault\. Run infra\/scripts\/store-aws/,
    });
  });

  it('says which setting is wrong', async () => {
    const results = await verifyWith({ settings: { AWS_REGION: 'nowhere at all' } });
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^503 ServiceUnavailableException of the function, \d+ ms: Wrong settings: AWS_REGION must hold/,
      remedy: 'Mend the settings that it names (src/config/README.md), then `azd provision`.',
    });
  });

  it('says that the gateway calls from an address that is not allowed', async () => {
    const frontEnd = await listen(
      createServer((_, response) => {
        response.writeHead(403, { 'content-type': 'text/html' }).end('<h1>Error 403 - Forbidden</h1>Ip Forbidden');
      }),
    );
    chain = await startChain();
    const gateway = await besides(chain, { backendUrl: frontEnd.url });
    const results = await verify(gateway, { only });
    await gateway.close();
    await frontEnd.close();
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^403 of neither policy nor function/,
      remedy: /^The app refuses the address that the gateway calls from: set GATEWAY_ADDRESSES/,
    });
  });

  it('says that the app cannot be reached from the gateway', async () => {
    const { url, close } = await listen(createServer());
    await close();
    chain = await startChain();
    const gateway = await besides(chain, { backendUrl: url });
    const results = await verify(gateway, { only });
    await gateway.close();
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^503 ServiceUnavailableException of the gateway/,
      remedy: /^The gateway cannot connect to the function app/,
    });
  });

  it('says that the app does not run', async () => {
    const host = await listen(
      createServer((_, response) => response.writeHead(503).end('Function host is not running.')),
    );
    chain = await startChain();
    const gateway = await besides(chain, { backendUrl: host.url });
    const results = await verify(gateway, { only });
    await gateway.close();
    await host.close();
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^503 of neither policy nor function/,
      remedy: /^The function app does not run: is the package there/,
    });
  });

  it('says that another server answers in its place', async () => {
    const mock = await listen(createServer((_, response) => response.writeHead(200).end('{"status":"ok"}')));
    chain = await startChain();
    const gateway = await besides(chain, { backendUrl: mock.url });
    const results = await verify(gateway, { only });
    await gateway.close();
    await mock.close();
    expectSaid(results, '13', {
      status: 'failed',
      evidence: /^200 without x-ms-invocation-id/,
      remedy: /^Something before the function answers in its place/,
    });
  });
});
