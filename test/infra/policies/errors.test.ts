import { describe, expect, it } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { SERVICES } from '../../../src/bedrock/services.ts';
import { OWN_PATHS } from '../../../src/bedrock/unknown-path.ts';
import { startEchoBackend } from '../../emulators/gateway/echo-backend.ts';
import {
  awsError,
  call,
  CONVERSE,
  globalPolicy,
  NAMELESS,
  productPolicy,
  useHarness,
  TEAM,
} from '../../emulators/gateway/harness.ts';
import { startGateway } from '../../emulators/gateway/gateway.ts';
import { policyFile, readPolicy, replaceOnce } from '../../emulators/gateway/policy-file.ts';
import { send } from '../../emulators/gateway/send.ts';

const harness = useHarness();

const NO_KEY =
  'No subscription key was sent. Send it as header api-key or, where the gateway accepts that, as bearer token; x-api-key is not read.';
const CLIENT_BASE =
  'Base URLs of OpenAI clients end with /openai/v1, those of Anthropic clients with /anthropic, or /anthropic/v1 if the client adds /messages alone. ';
const SERVED =
  'This gateway serves Amazon Bedrock: POST /model/{modelId}/{operation}, /guardrail/..., /guardrail-checks/..., /openai/v1/... and /anthropic/v1/messages; GET, DELETE /openai/v1/responses/{id}; GET, POST /async-invoke; GET /foundation-models, /inference-profiles, /health, /usage. Other services of Bedrock are served only where they are turned on.';

it('what the gateway says it serves, is what the function serves', () => {
  const first = (path: string) => path.split('/')[1];
  const named = new Set(Array.from(SERVED.matchAll(/(?<= )\/[\w-]+/g), ([path]) => first(path)));
  const served = SERVICES.flatMap(({ operations }) => operations).map(({ template }) => first(template));
  const own = OWN_PATHS.map(first);
  expect([...named].filter((path) => ![...served, ...own].includes(path))).toStrictEqual([]);
  const usual = [...RUNTIME.operations.map(({ template }) => first(template)), ...own];
  expect(usual.filter((path) => !named.has(path))).toStrictEqual([]);
});

describe("the gateway's own errors", () => {
  it('401 without a key, and with a wrong one, saying what to do', async () => {
    const gateway = await harness.start();
    expect(await call(gateway, { headers: {} })).toEqual(awsError(401, 'UnauthorizedException', NO_KEY));
    expect(await call(gateway, { headers: { 'api-key': 'wrong', authorization: `Bearer ${TEAM.key}` } })).toEqual(
      awsError(
        401,
        'UnauthorizedException',
        'The subscription key is not valid for this API: it is mistyped, or its subscription is not active or belongs to another product. Who runs this gateway can look it up.',
      ),
    );
  });

  it.each([
    ['GET', CONVERSE, 'This path is called by POST, not by GET. '],
    ['PUT', '/anthropic/v1/messages', 'This path is called by POST, not by PUT. '],
    ['POST', '//model/x/converse', 'There are two slashes in a row: does the base URL end with one too many? '],
    ['POST', '/v1/chat/completions', CLIENT_BASE],
    ['POST', '/chat/completions', CLIENT_BASE],
    ['POST', '/responses', CLIENT_BASE],
    ['POST', '/v1/messages', CLIENT_BASE],
    ['GET', '/v1/models', CLIENT_BASE],
    ['POST', '/foundation-models', ''],
    ['POST', '/model', ''],
    ['POST', '/health', ''],
  ])('404 for %s %s, which is no operation, saying what is wrong and what is served', async (method, target, hint) => {
    const answer = await call(await harness.start(), { method, target });
    const { message } = JSON.parse(answer.body) as { message: string };
    expect({ ...answer, body: JSON.stringify({ message }) }).toEqual(
      awsError(404, 'UnknownOperationException', hint + SERVED),
    );
  });

  it('404 in its own form where there is no API', async () => {
    const response = await send((await harness.start()).origin, { target: '/other' });
    expect(response).toMatchObject({ status: 404, body: expect.stringContaining('"statusCode":404') });
    expect(response.headers).not.toHaveProperty('x-amzn-errortype');
  });

  it('429 with Retry-After', async () => {
    const gateway = await harness.start({
      productPolicy: productPolicy('<rate-limit calls="1" renewal-period="60" />'),
    });
    expect(await call(gateway)).toMatchObject({ status: 200 });
    const limited = await call(gateway);
    expect(limited).toEqual(awsError(429, 'ThrottlingException', 'Rate limit is exceeded. Try again in 60 seconds.'));
    expect(limited.headers['retry-after']).toBe('60');
    // A subscription to the API itself does not run the policy of a product.
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await call(gateway, { headers: { 'api-key': NAMELESS.key } })).toMatchObject({ status: 200 });
    }
  });

  it('403 with Retry-After', async () => {
    const gateway = await harness.start({ productPolicy: productPolicy('<quota calls="1" renewal-period="3600" />') });
    await call(gateway);
    const refused = await call(gateway);
    expect(refused).toEqual(
      awsError(403, 'AccessDeniedException', 'Out of call volume quota. Quota will be replenished in 01:00:00.'),
    );
    expect(refused.headers['retry-after']).toBe('3600');
  });

  it('503 when the backend cannot be reached, or hangs up', async () => {
    const down = await startEchoBackend();
    const gateway = await harness.start({ backendUrl: down.url });
    down.answerWith((incoming) => incoming.destroy());
    const message = 'The gateway could not complete the request.';
    expect(await call(gateway, { body: '{}' })).toEqual(awsError(503, 'ServiceUnavailableException', message));
    await down.close();
    const unreachable = await call(gateway);
    expect(unreachable).toEqual(awsError(503, 'ServiceUnavailableException', message));
    expect(unreachable.headers).not.toHaveProperty('retry-after');
  });

  it('408, which SDKs do not retry, when no answer begins in time', async () => {
    const silent = await startEchoBackend();
    silent.answerWith(() => {});
    await using policy = await policyFile(replaceOnce(await readPolicy('bedrock.xml'), 'timeout="240"', 'timeout="0"'));
    const gateway = await harness.start({ backendUrl: silent.url, policy: policy.path });
    expect(await call(gateway)).toEqual(
      awsError(408, 'ModelTimeoutException', 'The model did not begin to answer in time.'),
    );
    await silent.close();
  });

  it('500 without a word of the cause when it has no identity or an expression fails', async () => {
    const message = 'The gateway could not complete the request.';
    const gateway = await harness.start({ managedIdentityToken: () => Promise.reject(new Error('no identity')) });
    expect(await call(gateway)).toEqual(awsError(500, 'InternalServerException', message));
    const failing = await harness.start({
      globalPolicy: globalPolicy({ inbound: '<set-variable name="x" value="@(context.Product.Id)" />' }),
    });
    expect(await call(failing, { headers: { 'api-key': NAMELESS.key } })).toEqual(
      awsError(500, 'InternalServerException', message),
    );
  });

  it('of another kind, as ValidationException with their own status', async () => {
    const onError = '<set-status code="415" reason="Unsupported Media Type" />';
    const gateway = await harness.start({ globalPolicy: globalPolicy({ onError }) });
    expect(await call(gateway, { headers: {} })).toMatchObject({
      status: 415,
      headers: { 'x-amzn-errortype': 'ValidationException' },
    });
  });

  it('500, and a rejected close(), for what the emulator does not know', async () => {
    const gateway = await startGateway({
      backendUrl: harness.backend.url,
      globalPolicy: globalPolicy({ inbound: '<set-variable name="x" value="@(context.Deployment)" />' }),
    });
    const response = await call(gateway, { headers: { 'api-key': gateway.subscriptionKey } });
    expect(response).toMatchObject({ status: 500, body: expect.stringContaining('context.Deployment') });
    await expect(gateway.close()).rejects.toThrow('context.Deployment');
  });

  it.each([400, 403, 429, 500, 503])('%i of the backend passes untouched', async (status) => {
    const bedrock = await startEchoBackend();
    const headers = { 'content-type': 'application/json', 'x-amzn-errortype': 'SomeException', 'retry-after': '3' };
    bedrock.answerWith((_, outgoing) => outgoing.writeHead(status, headers).end('{"message":"of Bedrock"}'));
    const response = await call(await harness.start({ backendUrl: bedrock.url }));
    expect(response).toMatchObject({ status, headers, body: '{"message":"of Bedrock"}' });
    await bedrock.close();
  });
});
