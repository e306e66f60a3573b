import { createServer } from 'node:http';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { fail } from '../../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import type { Gateway } from '../../emulators/gateway/gateway.ts';
import { listen } from '../../support/listen.ts';
import { forwardTo, type Meddling } from './between.ts';
import { expectSaid } from './said.ts';
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
    expectSaid(results, '17', {
      status: 'failed',
      evidence: /^ARN: 404 UnknownOperationException of the function/,
      remedy: /^Something between changes the encoding of paths/,
    });
    expect(statuses(results)['skipped']).toStrictEqual(['18', '19', '19b']);
  });

  it('says that the signature of a path is refused', async () => {
    const refusal = fail(403, 'InvalidSignatureException', 'The request signature we calculated does not match.');
    chain.bedrock.answer(refusal, { times: 9, when: ({ modelId = '' }) => modelId.startsWith('arn:') });
    const results = await verify(chain.gateway);
    expectSaid(results, '17', {
      status: 'failed',
      evidence:
        /^ARN: 503 ServiceUnavailableException of the function.*AWS does not accept the cred.* \(It has just accepted .*\)$/,
      remedy: /^Something between the function and Bedrock changes the encoding of paths/,
    });
  });

  it('says that bodies are changed', async () => {
    chain.bedrock.answer((_, response) => void response.writeHead(200).end('{}'), { times: 2 });
    const results = await verify(chain.gateway);
    expectSaid(results, '17', {
      status: 'failed',
      evidence: 'plain: Bedrock has answered 200 to a request without messages',
      remedy: 'What Bedrock got is not what was sent: something on the way changes bodies.',
    });
  });

  it('takes any judgement of Bedrock for an arrival', async () => {
    const denied = fail(403, 'AccessDeniedException', 'User: arn:aws:iam::1:user/x is not authorized to perform: y');
    chain.bedrock.answer(denied, { times: 9, when: ({ body }) => String(body) === '{"messages":0}' });
    const results = await verify(chain.gateway, { only: ['11', '12', '13', '17'] });
    expectSaid(results, '17', {
      status: 'ok',
      evidence: /, ARN 403 AccessDeniedException$/,
    });
  });
});

it('says that AWS refuses the key of the vault, and sees when it no longer does', async () => {
  const other = await startChain({ eventDelayMs: EVENT_DELAY_MS });
  other.bedrock.setKeys([]);
  const results = await verify(other.gateway);
  expectSaid(results, '17', {
    status: 'failed',
    evidence: /^plain: 503 ServiceUnavailableException of the function.*AWS does not accept the cred/,
    remedy: /^AWS refuses the key in the vault: .*store-aws-credentials\.ts\.$/,
  });
  expect(statuses(results)['skipped']).toStrictEqual(['18', '19', '19b']);
  const again = await verify(other.gateway);
  expectSaid(again, '13', {
    status: 'failed',
    evidence: /^503 ServiceUnavailableException of the function.*AWS does not accept the cred/,
    remedy: /^AWS refuses the key in the vault/,
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
      /^403 AccessDeniedException of Bedrock, .* is not authorized to perform: bedrock:InvokeModel \(/,
      /^The IAM policy of the proxy's user or role lacks the action/,
    ],
    [
      'the model is not enabled',
      fail(403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
      /^403 AccessDeniedException of Bedrock, .*: You don't have access to the model/,
      /^The model is not enabled in the AWS account/,
    ],
    [
      'the form of the provider is not filled in',
      fail(404, 'FTUFormNotFilled', 'Model use case details have not been submitted for this account.'),
      /^404 FTUFormNotFilled of Bedrock, .*: Model use case details have not been submitted/,
      /^The model is not enabled in the AWS account/,
    ],
    [
      'the model wants an inference profile',
      fail(400, 'ValidationException', 'Invocation of model ID x with on-demand throughput isn’t supported.'),
      /^400 ValidationException of Bedrock, .* with on-demand throughput isn’t supported\./,
      /^In this region the model is called by an inference profile: --model eu\.amazon\.nova-lite-v1:0 or us\.amazon\.nova-lite-v1:0 or apac\.amazon/,
    ],
    [
      'the region does not have the model',
      fail(400, 'ValidationException', 'The provided model identifier is invalid.'),
      /^400 ValidationException of Bedrock, .*: The provided model identifier is invalid\./,
      /^The region does not have this model/,
    ],
    [
      'a quota is used up',
      fail(429, 'ThrottlingException', 'Too many requests, please wait before trying again.'),
      /^429 ThrottlingException of Bedrock, .*: Too many requests, please wait/,
      /^The quota of the AWS account is used up/,
    ],
    [
      'Bedrock fails',
      fail(500, 'InternalServerException', 'Oh.'),
      /^500 InternalServerException of Bedrock, \d+ ms: Oh\. \(/,
      /^Bedrock itself fails/,
    ],
  ])('says that %s', async (_, responder, evidence, remedy) => {
    chain.bedrock.answer(responder, real);
    const results = await verify(chain.gateway);
    expect(results['17']?.status).toBe('ok');
    expectSaid(results, '18', {
      status: 'failed',
      evidence,
      remedy,
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
    expectSaid(results, '17', {
      status: 'failed',
      evidence: /^plain: 403 AccessDeniedException of the function/,
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
    expectSaid(results, '18', {
      status: 'failed',
      evidence: /^200, but no answer of Converse \(content-type text\/plain/,
      remedy: /^A policy of the gateway changes answers/,
    });
  });

  it('warns when the usage headers are taken away', async () => {
    const results = await behindGateway({
      headers: (headers) =>
        Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-bedrock-usage-'))),
    });
    expectSaid(results, '18', {
      status: 'warning',
      evidence: /^200 of amazon\.nova-lite-v1:0 in .*; no usage headers$/,
      remedy: /^A policy of the gateway takes the headers x-bedrock-usage-\* away/,
    });
  });
});
