import { createServer } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { fail } from '../../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import type { Gateway } from '../../emulators/gateway/gateway.ts';
import { listen } from '../../support/listen.ts';
import { forwardTo, type Meddling } from './between.ts';
import { besides, EVENT_DELAY_MS, instead, statuses, verify } from './verified.ts';

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ eventDelayMs: EVENT_DELAY_MS });
});
afterAll(() => chain.close());

let gateway: Gateway | undefined;
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  chain.bedrock.reset();
});

/** A server between gateway and function. */
async function behindGateway(meddling: Meddling) {
  const between = await listen(createServer(forwardTo(chain.host.url, meddling)));
  gateway = await besides(chain, { backendUrl: between.url });
  const results = await verify(gateway);
  await between.close();
  return results;
}

describe('check 17', () => {
  it('says that paths are rewritten', async () => {
    const results = await behindGateway({
      target: (target) => target.replace(/^\/model\/arn[^/]*\/(.*)$/, '/$1'),
    });
    expect(results['17']).toMatchObject({
      status: 'failed',
      evidence: expect.stringMatching(/^ARN: 404 UnknownOperationException of the function/),
      remedy: expect.stringMatching(/^Something between changes the encoding of paths/),
    });
    expect(statuses(results)['skipped']).toStrictEqual(['18', '19', '19b']);
  });

  it('says that the signature of a path is refused', async () => {
    const refusal = fail(403, 'InvalidSignatureException', 'The request signature we calculated does not match.');
    chain.bedrock.answer(refusal, { times: 9, when: ({ modelId = '' }) => modelId.startsWith('arn:') });
    const results = await verify(chain.gateway);
    expect(results['17']).toMatchObject({
      status: 'failed',
      evidence: expect.stringMatching(/^ARN: 503 ServiceUnavailableException of the function/),
    });
  });

  it('says that bodies are changed', async () => {
    chain.bedrock.answer((_, response) => void response.writeHead(200).end('{}'), { times: 2 });
    const results = await verify(chain.gateway);
    expect(results['17']).toMatchObject({
      status: 'failed',
      evidence: 'plain: Bedrock has answered 200 to a request without messages',
      remedy: expect.stringContaining('something on the way changes bodies'),
    });
  });

  it('takes any judgement of Bedrock for an arrival', async () => {
    const denied = fail(403, 'AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized to perform: y');
    chain.bedrock.answer(denied, { times: 3, when: ({ body }) => String(body) === '{"messages":0}' });
    const results = await verify(chain.gateway, { only: ['11', '12', '13', '17'] });
    expect(results['17']).toMatchObject({
      status: 'ok',
      evidence: expect.stringContaining('ARN 403 AccessDeniedException'),
    });
  });
});

it('says that AWS refuses the key of the vault, and sees when it no longer does', async () => {
  const other = await startChain({ eventDelayMs: EVENT_DELAY_MS });
  other.bedrock.setKeys([]);
  const results = await verify(other.gateway);
  expect(results['17']).toMatchObject({
    status: 'failed',
    evidence: expect.stringMatching(/503 ServiceUnavailableException of the function.*AWS does not accept the cred/),
    remedy: expect.stringMatching(/^AWS refuses the key in the vault: .*store-aws-credentials\.ts\.$/),
  });
  expect(statuses(results)['skipped']).toStrictEqual(['18', '19', '19b']);
  const again = await verify(other.gateway);
  expect(again['13']).toMatchObject({
    status: 'failed',
    evidence: expect.stringMatching(/AWS does not accept the cred/),
    remedy: expect.stringMatching(/^AWS refuses the key in the vault/),
  });
  other.bedrock.reset();
  const mended = await verify(other.gateway);
  expect(statuses(mended)['failed']).toBeUndefined();
  expect(mended['13']?.evidence).toMatch(/^200 of the function in \d+ ms, after AWS has taken its signature again$/);
  await other.close();
});

describe('check 18', () => {
  const real = { when: ({ body }: { body: Buffer }) => String(body) !== '{"messages":0}' };

  it.each([
    [
      'the IAM policy lacks an action',
      fail(
        403,
        'AccessDeniedException',
        'User: arn:aws:iam::1:user/p is not authorized to perform: bedrock:InvokeModel',
      ),
      /^The IAM policy of the proxy's user or role lacks the action/,
    ],
    [
      'the model is not enabled',
      fail(403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
      /^The model is not enabled in the AWS account/,
    ],
    [
      'the form of the provider is not filled in',
      fail(404, 'FTUFormNotFilled', 'Model use case details have not been submitted for this account.'),
      /^The model is not enabled in the AWS account/,
    ],
    [
      'the model wants an inference profile',
      fail(400, 'ValidationException', 'Invocation of model ID x with on-demand throughput isn’t supported.'),
      /--model eu\.amazon\.nova-lite-v1:0 or us\.amazon\.nova-lite-v1:0 or apac\.amazon/,
    ],
    [
      'the region does not have the model',
      fail(400, 'ValidationException', 'The provided model identifier is invalid.'),
      /^The region does not have this model/,
    ],
    [
      'a quota is used up',
      fail(429, 'ThrottlingException', 'Too many requests, please wait before trying again.'),
      /^The quota of the AWS account is used up/,
    ],
    ['Bedrock fails', fail(500, 'InternalServerException', 'Oh.'), /^Bedrock itself fails/],
  ])('says that %s', async (_, responder, remedy) => {
    chain.bedrock.answer(responder, real);
    const results = await verify(chain.gateway);
    expect(results['17']?.status).toBe('ok');
    expect(results['18']).toMatchObject({
      status: 'failed',
      evidence: expect.stringMatching(/ of Bedrock, \d+ ms: .*\(x-ms-invocation-id /),
      remedy: expect.stringMatching(remedy),
    });
    expect(statuses(results)['skipped']).toStrictEqual(['19', '19b']);
  });

  it('says that the subscription may not use the model', async () => {
    gateway = await besides(chain, {
      edit: instead(
        '<!-- Rules of your own go here',
        '<set-variable name="bedrock-allowed-models" value="amazon.nova-micro-v1:0" /><!-- Rules',
      ),
    });
    const results = await verify(gateway);
    expect(results['17']).toMatchObject({
      status: 'failed',
      evidence: expect.stringMatching(/^plain: 403 AccessDeniedException of the function/),
      remedy: 'This subscription may not use the model. Name one that it may use: --model.',
    });
    const allowed = await verify(gateway, { modelId: 'amazon.nova-micro-v1:0', only: ['11', '12', '13', '18'] });
    expect(allowed['18']?.status).toBe('ok');
  });

  it('says that the type of answers is changed', async () => {
    const results = await behindGateway({
      headers: (headers) => ({
        ...headers,
        ...(headers['x-amzn-errortype'] ? {} : { 'content-type': ['text/plain'] }),
      }),
    });
    expect(results['18']).toMatchObject({
      status: 'failed',
      evidence: expect.stringMatching(/^200, but no answer of Converse \(content-type text\/plain/),
      remedy: expect.stringMatching(/^A policy of the gateway changes answers/),
    });
  });

  it('warns when the usage headers are taken away', async () => {
    const results = await behindGateway({
      headers: (headers) =>
        Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-bedrock-usage-'))),
    });
    expect(results['18']).toMatchObject({
      status: 'warning',
      remedy: expect.stringMatching(/^A policy of the gateway takes the headers x-bedrock-usage-\* away/),
    });
  });
});
