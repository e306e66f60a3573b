import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { createRouter } from '../../../src/bedrock/route.ts';
import { SERVICES } from '../../../src/bedrock/services.ts';
import { root } from '../../support/root.ts';

const findRoute = createRouter([RUNTIME]);
const findAny = createRouter(SERVICES);

const PLAIN = 'anthropic.claude-3-haiku-20240307-v1:0';
const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-haiku-20241022-v1:0';
const ASYNC = 'arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef012345';

const once = encodeURIComponent;
const twice = (text: string) => once(once(text));
const thrice = (text: string) => once(twice(text));
const raw = (text: string) => text;
const slashesKept = (text: string) => text.replaceAll('/', '%2F');
/** What the Functions host makes of an encoded ARN: everything decoded but %2F, whose percent sign is encoded again. */
const byFunctionsHost = (text: string) => text.replaceAll('/', '%252F');

const FORMS = { raw, once, twice, thrice, slashesKept, byFunctionsHost };

describe('every form of an identifier becomes one canonical path', () => {
  const identifiers = [
    PLAIN,
    PROFILE,
    'us.amazon.nova-lite-v1:0',
    `arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/${PLAIN}`,
  ];
  const suffixes = ['converse', 'converse-stream', 'invoke', 'invoke-with-response-stream', 'count-tokens'];
  const cases = identifiers.flatMap((id) =>
    suffixes.flatMap((suffix) => Object.entries(FORMS).map(([form, encode]) => ({ id, suffix, form, encode }))),
  );
  it.each(cases)('$suffix of $id, $form', ({ id, suffix, encode }) => {
    const route = findRoute('POST', `/model/${encode(id)}/${suffix}`);
    expect(route.path).toBe(`/model/${once(id)}/${suffix}`);
    expect(route.modelId).toBe(id);
  });

  it.each(Object.entries(FORMS))('an alias leads to its model, %s', (_form, encode) => {
    const aliases = new Map([['team/default', PROFILE]]);
    expect(findRoute('POST', `/model/${encode('team/default')}/converse`, aliases)).toMatchObject({
      path: `/model/${once(PROFILE)}/converse`,
      modelId: 'team/default',
      resolvedModelId: PROFILE,
    });
    expect(findRoute('POST', '/model/team/converse', aliases)).not.toHaveProperty('resolvedModelId');
    // What is no model has no alias.
    const path = `/async-invoke/${encode('team/default')}`;
    expect(findRoute('GET', path, aliases)).toMatchObject({ path: `/async-invoke/${once('team/default')}` });
  });

  it.each(Object.entries(FORMS))('guardrail and async-invoke ARNs, %s', (_form, encode) => {
    const guardrail = 'arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123';
    expect(findRoute('POST', `/guardrail/${encode(guardrail)}/version/DRAFT/apply`).path).toBe(
      `/guardrail/${once(guardrail)}/version/DRAFT/apply`,
    );
    expect(findRoute('GET', `/async-invoke/${encode(ASYNC)}`).path).toBe(`/async-invoke/${once(ASYNC)}`);
  });
});

describe('operations', () => {
  const example = (template: string) => template.replaceAll(/\{\w+\}/g, 'some-id');

  it.each(RUNTIME.operations.filter(({ unsupported }) => unsupported === undefined))(
    '$name is found by its own path',
    (operation) => {
      expect(findRoute(operation.method, example(operation.template))).toMatchObject({ operation, service: RUNTIME });
    },
  );

  it('an operation that cannot pass is named as such', () => {
    expect(() => findRoute('POST', '/model/some-id/invoke-with-bidirectional-stream')).toThrow(
      expect.objectContaining({ failure: 'notImplemented' }),
    );
  });

  it.each([
    ['GET', '/model/some-id/converse'],
    ['PUT', '/model/some-id/converse'],
    ['post', '/model/some-id/converse'],
    ['POST', '/Model/some-id/converse'],
    ['POST', '/model/some-id/converse/'],
    ['POST', '/model/some-id/converses'],
    ['POST', '/model/converse'],
    ['POST', '/model//converse'],
    ['POST', '//model/some-id/converse'],
    ['POST', '/bedrock/model/some-id/converse'],
    ['DELETE', '/async-invoke'],
    ['POST', '/foundation-models'],
    ['GET', '/foundation-models'],
    ['POST', '/openai/v1/embeddings'],
    ['GET', '/'],
    ['GET', ''],
    ['POST', '*'],
  ])('%s %s is unknown', (method, path) => {
    expect(() => findRoute(method, path)).toThrow(
      expect.objectContaining({ failure: 'unknownOperation', status: 404 }),
    );
  });
});

describe('identifiers that could mean something else on the way are refused', () => {
  it.each([
    ['dot segments', '..'],
    ['dot segments inside', 'a/../b'],
    ['encoded dot segments', '%2e%2e%2Fadmin'],
    ['a single dot', 'a/./b'],
    ['an empty segment', 'a//b'],
    ['a leading slash', '%2Fa'],
    ['a trailing slash', 'a%2F'],
    ['a question mark', 'a%3Fb'],
    ['a fragment', 'a%23b'],
    ['a backslash', 'a%5Cb'],
    ['NUL', 'a%00b'],
    ['CR LF', 'a%0D%0Ab'],
    ['a line feed at the end', 'a%0A'],
    ['a space', 'a%20b'],
    ['a plus', 'a+b'],
    ['non-ASCII', '%C3%A9'],
    ['encoding without end', `${'%25'.repeat(6)}41`],
    ['invalid UTF-8', '%FF'],
    ['half an escape', 'a%2'],
    ['2,049 characters', 'a'.repeat(2049)],
  ])('%s', (_name, id) => {
    expect(() => findRoute('POST', `/model/${id}/converse`)).toThrow(
      expect.objectContaining({ failure: 'invalidRequest', status: 400 }),
    );
  });

  it('accepts the longest identifier', () => {
    expect(findRoute('POST', `/model/${'a'.repeat(2048)}/converse`).modelId).toHaveLength(2048);
  });
});

describe('paths of the other services', () => {
  const example = (template: string) => template.replaceAll(/\{\w+\}/g, 'some-id');
  const rows = SERVICES.flatMap((service) =>
    service.operations
      .filter(({ unsupported }) => unsupported === undefined)
      .map((operation) => ({ service, operation, path: example(operation.template) })),
  );

  it.each(rows)('$operation.group $operation.name: $path', ({ service, operation, path }) => {
    const route = findAny(operation.method, `${service.prefix ?? ''}${path}`);
    expect(route).toMatchObject({ service, operation, path });
  });

  const flow = 'arn:aws:bedrock:us-east-1:123456789012:flow/ABCDEFGHIJ';
  const alias = `${flow}/alias/KLMNOPQRST`;
  const execution = `${alias}/execution/run-1`;
  const session = 'arn:aws:bedrock:us-east-1:123456789012:session/0123abcd-0000-1111-2222-333344445555';
  const profile = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456';
  const runtime = 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/my_agent-0123456789';

  it.each(
    Object.entries(FORMS).flatMap(([form, encode]) =>
      [
        ['POST', '', `/flows/{${flow}}/aliases/{${alias}}`, 'InvokeFlow'],
        ['POST', '', `/flows/{${flow}}/aliases/{${alias}}/executions`, 'StartFlowExecution'],
        ['GET', '', `/flows/{${flow}}/aliases/{${alias}}/executions/{${execution}}`, 'GetFlowExecution'],
        ['GET', '', `/flows/{${flow}}/aliases/{${alias}}/executions/{${execution}}/events`, 'ListFlowExecutionEvents'],
        ['PUT', '', `/sessions/{${session}}/invocations/`, 'CreateInvocation'],
        ['PUT', '', `/sessions/{${session}}/`, 'UpdateSession'],
        ['PATCH', '', `/sessions/{${session}}`, 'EndSession'],
        ['GET', '', `/inference-profiles/{${profile}}`, 'GetInferenceProfile'],
        ['POST', '/agentcore', `/runtimes/{${runtime}}/invocations`, 'InvokeAgentRuntime'],
      ].map(([method = '', prefix = '', path = '', name = '']) => ({ form, encode, method, prefix, path, name })),
    ),
  )('ARNs become one segment: $name, $form', ({ encode, method, prefix, path, name }) => {
    const by = (encoding: (text: string) => string) => path.replaceAll(/\{(.+?)\}/g, (_, arn: string) => encoding(arn));
    expect(findAny(method, prefix + by(encode))).toMatchObject({ operation: { name }, path: by(once) });
  });

  it.each([
    ['POST', '/knowledgebases/a/b/retrieve'],
    ['POST', '/agents/a/b'],
    ['GET', '/sessions'],
    ['GET', '/sessions/a'],
    ['PUT', '/sessions'],
    ['POST', '/runtimes/a/invocations'],
    ['GET', '/agentcore/runtimes/a/invocations'],
    ['POST', '/agentcore/runtimes/a/commands'],
    ['POST', '/agentcore/model/a/converse'],
    ['POST', '/mantle/model/a/converse'],
    ['POST', '/agentcore'],
    ['GET', '/mantle/v1/models/a'],
    ['POST', '/mantle/v1/embeddings'],
    ['GET', '/guardrails'],
    ['POST', '/inference-profiles'],
    ['DELETE', '/inference-profiles/a'],
    ['GET', '/logging/modelinvocations'],
    ['PUT', '/data-retention'],
  ])('%s %s is none', (method, path) => {
    expect(() => findAny(method, path)).toThrow(expect.objectContaining({ failure: 'unknownOperation' }));
  });

  it('a 404 tells of what is offered, and of nothing else', () => {
    const findOffered = createRouter(SERVICES, new Set(['inference', 'discovery']));
    const told = /\/inference-profiles\/\.\.\..*\/provisioned-model-throughput\/\.\.\., and GET/;
    expect(() => findOffered('GET', '/')).toThrow(expect.objectContaining({ message: expect.stringMatching(told) }));
    expect(() => findOffered('GET', '/')).toThrow(
      expect.objectContaining({ message: expect.not.stringMatching(/rerank|agents|mantle/) }),
    );
  });

  it('a model whose availability is asked for does not work', () => {
    expect(findAny('GET', '/foundation-model-availability/amazon.nova-lite-v1:0')).not.toHaveProperty('modelId');
  });
});

describe('the id of a stored response', () => {
  it.each([
    ['GET', 'resp_0a1B-2', '/openai/v1/responses/resp_0a1B-2'],
    ['DELETE', 'resp%5F1', '/openai/v1/responses/resp_1'],
    ['GET', 'resp%255F1', '/openai/v1/responses/resp_1'],
    ['POST', 'resp_1/cancel', '/openai/v1/responses/resp_1/cancel'],
    ['GET', 'cancel', '/openai/v1/responses/cancel'],
  ])('%s %s', (method, id, path) => {
    const route = findRoute(method, `/openai/v1/responses/${id}`);
    expect(route).toMatchObject({ path });
    expect(route).not.toHaveProperty('modelId');
  });

  it.each([
    ['GET', 'resp_1/input_items'],
    ['GET', 'resp_1%2Finput_items'],
    ['GET', 'resp_1%252Fcancel'],
    ['GET', ''],
    ['GET', 'resp_1/'],
    ['POST', 'resp_1'],
    ['POST', 'a/b/cancel'],
    ['DELETE', 'resp_1/cancel'],
    ['PUT', 'resp_1'],
  ])('%s %s is another path, which nothing has', (method, id) => {
    expect(() => findRoute(method, `/openai/v1/responses/${id}`)).toThrow(
      expect.objectContaining({ failure: 'unknownOperation' }),
    );
  });

  it.each(['..', '.', 'a%3Fb', 'a%23b', 'a%5Cb', 'a%0D%0Ab', 'a b', '%C3%A9', 'a'.repeat(2049)])('%s is none', (id) => {
    expect(() => findRoute('GET', `/openai/v1/responses/${id}`)).toThrow(
      expect.objectContaining({ failure: 'invalidRequest' }),
    );
  });
});

describe('404 says what is wrong with the path, and what is served', () => {
  const slashes = 'There are two slashes in a row: does the base URL end with one too many? ';
  const end = 'There is a slash at the end of the path. ';
  const base =
    'Base URLs of OpenAI clients end with /openai/v1, those of Anthropic clients with /anthropic, or /anthropic/v1 if the client adds /messages alone. ';
  const all =
    'Served is Amazon Bedrock: /model/..., /guardrail/..., /guardrail-checks/..., /async-invoke/..., /openai/..., ' +
    '/anthropic/..., and GET /health, /usage.';
  const openai =
    'Served below /openai: POST /openai/v1/chat/completions, POST /openai/v1/responses, ' +
    'GET /openai/v1/responses/{responseId}, DELETE /openai/v1/responses/{responseId}, ' +
    'POST /openai/v1/responses/{responseId}/cancel.';
  const anthropic = 'Served below /anthropic: POST /anthropic/v1/messages, POST /anthropic/v1/messages/count_tokens.';
  const model =
    'Served below /model: POST /model/{modelId}/converse, POST /model/{modelId}/converse-stream, ' +
    'POST /model/{modelId}/invoke, POST /model/{modelId}/invoke-with-response-stream, POST /model/{modelId}/count-tokens.';

  it.each([
    ['POST', '//model/a/converse', slashes + all],
    ['POST', '/openai//v1/responses', slashes + openai],
    ['POST', '/%2Fmodel/a/converse', slashes + all],
    ['GET', '/model/a/converse', `This path is called by POST, not by GET. ${model}`],
    ['GET', '/openai/v1/chat/completions', `This path is called by POST, not by GET. ${openai}`],
    ['POST', '/openai/v1/responses/resp_1', `This path is called by GET or DELETE, not by POST. ${openai}`],
    ['POST', '/health', `This path is called by GET, not by POST. ${all}`],
    ['POST', '/usage', `This path is called by GET, not by POST. ${all}`],
    ['POST', '/model/a/converse/', end + model],
    ['POST', '/openai/v1/chat/completions/', end + openai],
    ['POST', '/v1/chat/completions', base + all],
    ['POST', '/chat/completions', base + all],
    ['POST', '/openai/chat/completions', base + openai],
    ['POST', '/openai/v1/v1/responses', base + openai],
    ['POST', '/openai/v1/messages', base + openai],
    ['POST', '/v1/messages', base + all],
    ['POST', '/anthropic/messages', base + anthropic],
    ['POST', '/anthropic/v1/v1/messages/count_tokens', base + anthropic],
    ['GET', '/v1/responses/resp_1', base + all],
    ['GET', '/v1/models', base + all],
    ['GET', '/openai/models', base + openai],
    ['POST', '/embeddings', base + all],
    ['GET', '/openai/v1/models', openai],
    ['POST', '/openai/v1/embeddings', openai],
    ['POST', '/openai/v1', openai],
    [
      'GET',
      '/custom-models',
      `Of the control plane only the reading of models, inference profiles and provisioned throughput is served here. ${all}`,
    ],
    [
      'GET',
      '/tags/a',
      `Of agents, flows and knowledge bases only the use is served here, and of their tags nothing. ${all}`,
    ],
    [
      'POST',
      '/runtimes/a/invocations',
      `Of AgentCore only the invocation of runtimes can be served here, below /agentcore. ${all}`,
    ],
    ['POST', '/model/a/chat', model],
    ['GET', '/', all],
    ['GET', '', all],
    ['POST', '/secret-in-the-path', all],
    ['POST', '/model/secret%0D%0A%3Cscript%3E', model],
    ['GET', '/constructor', all],
  ])('%s %s', (method, path, message) => {
    expect(() => findRoute(method, path)).toThrow(expect.objectContaining({ failure: 'unknownOperation', message }));
  });

  it('what the gateway refuses by itself it explains in the same words', () => {
    const policy = readFileSync(join(root, 'infra/gateway/policies/bedrock.xml'), 'utf8');
    for (const text of [slashes, base, 'This path is called by POST, not by ']) expect(policy).toContain(text);
  });
});
