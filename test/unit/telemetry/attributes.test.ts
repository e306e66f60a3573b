import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { Operation } from '../../../src/bedrock/service.ts';
import { errorType, operationAttributes, operationName, priceAttributes } from '../../../src/telemetry/attributes.ts';
import type { RequestRecord } from '../../../src/record/record.ts';
import { describeResource, VERSION } from '../../../src/telemetry/resource.ts';
import { inputOf, tokensByKind } from '../../../src/telemetry/token-kinds.ts';
import { root } from '../../support/root.ts';

function operationOf(name: string): Operation {
  const operation = RUNTIME.operations.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new Error(`${name} has no row`);
  return operation;
}

function recordOf(facts: Partial<RequestRecord>): RequestRecord {
  return { event: 'bedrock.request', time: '', requestId: '', region: 'us-east-1', ...facts };
}

describe('gen_ai.operation.name', () => {
  it.each([
    ['Converse', 'chat'],
    ['ConverseStream', 'chat'],
    ['InvokeModel', 'chat'],
    ['InvokeModelWithResponseStream', 'chat'],
    ['ChatCompletions', 'chat'],
    ['Responses', 'chat'],
    ['Messages', 'chat'],
    ['CountTokens', 'count_tokens'],
    ['CountMessageTokens', 'count_message_tokens'],
    ['ApplyGuardrail', 'apply_guardrail'],
    ['InvokeGuardrailChecks', 'invoke_guardrail_checks'],
    ['StartAsyncInvoke', 'start_async_invoke'],
    ['GetAsyncInvoke', 'get_async_invoke'],
    ['ListAsyncInvokes', 'list_async_invokes'],
    ['InvokeModelWithBidirectionalStream', 'invoke_model_with_bidirectional_stream'],
  ])('of %s is %s', (operation, name) => {
    expect(operationName({ operation: operationOf(operation), record: recordOf({}) })).toBe(name);
  });

  it.each([
    ['amazon.titan-embed-text-v2:0', 'embeddings'],
    ['us.cohere.embed-v4:0', 'embeddings'],
    ['arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-english-v3', 'embeddings'],
    ['cohere.rerank-v3-5:0', 'rerank'],
    ['stability.stable-image-ultra-v1:1', 'generate_content'],
    ['us.stability.stable-outpaint-v1:0', 'generate_content'],
    ['amazon.titan-image-generator-v2:0', 'generate_content'],
    ['amazon.nova-canvas-v1:0', 'generate_content'],
    ['amazon.nova-pro-v1:0', 'chat'],
    ['anthropic.claude-3-haiku-20240307-v1:0', 'chat'],
    ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3', 'chat'],
  ])('of an invocation of %s is %s', (modelId, name) => {
    const record = recordOf({ modelId });
    expect(operationName({ operation: operationOf('InvokeModel'), record })).toBe(name);
    expect(operationName({ operation: operationOf('Converse'), record })).toBe('chat');
  });

  it('of something else is unknown', () => {
    expect(operationName({ record: recordOf({ modelId: 'amazon.nova-pro-v1:0' }) })).toBeUndefined();
  });
});

describe('what changes the price', () => {
  it.each<[Partial<RequestRecord>, object]>([
    [{}, {}],
    [{ serviceTier: 'flex' }, { 'bedrock.service_tier': 'flex' }],
    [
      { serviceTier: 'priority', latencyMode: 'optimized' },
      { 'bedrock.service_tier': 'priority', 'bedrock.latency_mode': 'optimized' },
    ],
    [
      { serviceTier: 'made-up', latencyMode: 'x' },
      { 'bedrock.service_tier': '_other', 'bedrock.latency_mode': '_other' },
    ],
  ])('of %j: %j', (facts, attributes) => {
    expect(priceAttributes(recordOf(facts))).toStrictEqual(attributes);
  });
});

describe('gen_ai.request.model', () => {
  it.each([
    ['a good answer', [200], 'a.model'],
    ['another', [299], 'a.model'],
    ['an error', [404], '_other'],
    ['a redirection', [307], '_other'],
    ['no answer', [undefined], '_other'],
    ['a good answer to the second attempt', [403, 200], 'a.model'],
    ['no attempt', [], '_other'],
  ])('after %s', (_name, statuses, expected) => {
    const attempts = statuses.map((status) => ({
      method: 'POST' as const,
      region: 'us-east-1',
      origin: 'https://bedrock.example',
      startedMs: 0,
      ...(status === undefined ? {} : { status }),
    }));
    const record = recordOf({ operation: 'Converse', modelId: 'a.model' });
    expect(operationAttributes({ record, startedAt: 0, attempts })['gen_ai.request.model']).toBe(expected);
  });

  it.each<[string, Partial<RequestRecord>, string]>([
    ['an error that came with 200', { outcome: 'complete', errorSource: 'bedrock' }, '_other'],
    ['a stream that ended by an error', { outcome: 'complete', errorSource: 'bedrock', streamed: true }, 'a.model'],
    ['an answer that broke', { outcome: 'upstreamBroke', errorSource: 'bedrock' }, 'a.model'],
  ])('after %s', (_name, facts, expected) => {
    const record = recordOf({ operation: 'Converse', modelId: 'a.model', errorType: 'SomeException', ...facts });
    const attempts = [
      { method: 'POST' as const, region: 'us-east-1', origin: 'https://bedrock.example', startedMs: 0, status: 200 },
    ];
    expect(operationAttributes({ record, startedAt: 0, attempts })['gen_ai.request.model']).toBe(expected);
  });

  it('is the model that was called by another name', () => {
    const record = recordOf({ operation: 'InvokeModel', modelId: 'team', resolvedModelId: 'cohere.embed-v4:0' });
    const attempts = [
      { method: 'POST' as const, region: 'us-east-1', origin: 'https://bedrock.example', startedMs: 0, status: 200 },
    ];
    const finished = { record, startedAt: 0, attempts, operation: operationOf('InvokeModel') };
    expect(operationAttributes(finished)).toMatchObject({
      'gen_ai.request.model': 'cohere.embed-v4:0',
      'gen_ai.operation.name': 'embeddings',
    });
  });

  it('is absent where no model is named', () => {
    const record = recordOf({ operation: 'ListAsyncInvokes' });
    expect(operationAttributes({ record, startedAt: 0, attempts: [] })).not.toHaveProperty('gen_ai.request.model');
  });
});

describe('error.type', () => {
  it.each<[string, Partial<RequestRecord>, string | undefined]>([
    ['a good end', { status: 200, outcome: 'complete' }, undefined],
    ['an exception', { status: 429, outcome: 'complete', errorType: 'ThrottlingException' }, 'ThrottlingException'],
    ['a status without a name', { status: 502, outcome: 'complete' }, '502'],
    ['a caller that has left', { outcome: 'clientClosed' }, 'ClientClosed'],
    [
      'a break in a started answer',
      { status: 200, outcome: 'upstreamBroke', errorType: 'ServiceUnavailableException' },
      'ServiceUnavailableException',
    ],
  ])('of %s', (_name, facts, expected) => {
    expect(errorType(recordOf(facts))).toBe(expected);
  });
});

describe('tokens', () => {
  it.each<[string, Partial<RequestRecord>, number | undefined]>([
    ['nothing known', {}, undefined],
    ['output only', { outputTokens: 5 }, undefined],
    ['input only', { inputTokens: 5 }, 5],
    ['all three', { inputTokens: 1, cacheReadInputTokens: 2, cacheWriteInputTokens: 4 }, 7],
    ['everything from the cache', { cacheReadInputTokens: 2 }, 2],
    ['none', { inputTokens: 0 }, 0],
  ])('input, %s', (_name, facts, expected) => {
    expect(inputOf(recordOf(facts))).toBe(expected);
  });

  it.each<[string, Partial<RequestRecord>, [string, number][]]>([
    ['nothing known', {}, []],
    ['none of a kind', { inputTokens: 3, outputTokens: 0, cacheReadInputTokens: 0 }, [['input', 3]]],
    ['written without a time to live', { cacheWriteInputTokens: 8 }, [['cache_write', 8]]],
    [
      'written with both times to live',
      { cacheWriteInputTokens: 8, cacheWrite5mInputTokens: 5, cacheWrite1hInputTokens: 3 },
      [
        ['cache_write_5m', 5],
        ['cache_write_1h', 3],
      ],
    ],
    [
      'written with and without',
      { cacheWriteInputTokens: 8, cacheWrite1hInputTokens: 3 },
      [
        ['cache_write_1h', 3],
        ['cache_write', 5],
      ],
    ],
    ['parts that exceed the whole', { cacheWriteInputTokens: 1, cacheWrite5mInputTokens: 5 }, [['cache_write_5m', 5]]],
  ])('by kind, %s', (_name, facts, expected) => {
    expect(tokensByKind(recordOf(facts))).toStrictEqual(expected);
  });

  it('the kinds add up to input and output', () => {
    const record = recordOf({
      inputTokens: 1,
      outputTokens: 2,
      cacheReadInputTokens: 4,
      cacheWriteInputTokens: 24,
      cacheWrite5mInputTokens: 8,
    });
    const sum = tokensByKind(record).reduce((total, [, count]) => total + count, 0);
    expect(sum).toBe((inputOf(record) ?? 0) + 2);
  });
});

describe('the resource', () => {
  it('has the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(VERSION).toBe(version);
  });

  it('is another one in each process', () => {
    const ids = [describeResource(), describeResource()].map(({ attributes }) => attributes['service.instance.id']);
    expect(ids[0]).not.toBe(ids[1]);
  });

  it.each<[string, Record<string, string>, string]>([
    ['nothing', {}, 'bedrock-proxy'],
    ['the app', { WEBSITE_SITE_NAME: 'func-a', WEBSITE_SKU: 'FlexConsumption' }, 'func-a'],
    ['the setting', { WEBSITE_SITE_NAME: 'func-a', WEBSITE_SKU: 'FlexConsumption', OTEL_SERVICE_NAME: 'mine' }, 'mine'],
  ])('is named after %s', (_name, environment, expected) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    expect(describeResource().attributes['service.name']).toBe(expected);
    vi.unstubAllEnvs();
  });
});
