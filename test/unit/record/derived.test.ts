import { describe, expect, it } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { UsageMeter } from '../../../src/usage/meter.ts';
import { addAnswer, conclude } from '../../../src/record/derived.ts';
import type { RequestRecord } from '../../../src/record/record.ts';
import { EVENT_STREAM } from '../../emulators/bedrock/answer.ts';
import { encodeEvent } from '../../emulators/bedrock/frames.ts';
import { JSON_BODY, meterOf } from '../../support/usage-feed.ts';

const BEGUN = {
  event: 'bedrock.request',
  time: '2030-01-02T03:04:05.678Z',
  requestId: 'r',
  region: 'us-east-1',
} as const;

/** What is added to a record at its end. */
function added(record: Partial<RequestRecord>, meter?: UsageMeter, lastByteMs?: number): Partial<RequestRecord> {
  const concluded: RequestRecord = { ...BEGUN, ...record };
  if (meter !== undefined) addAnswer(concluded, meter.end(record.outcome === 'complete'), meter.facts);
  const operation = RUNTIME.operations.find(({ name }) => name === record.operation);
  conclude(concluded, operation, lastByteMs);
  const before = new Set(Object.keys({ ...BEGUN, ...record }));
  return Object.fromEntries(Object.entries(concluded).filter(([name]) => !before.has(name)));
}

function bodyMeter(body: object): UsageMeter {
  const meter = meterOf('Converse', JSON_BODY);
  meter.read([Buffer.from(JSON.stringify(body))]);
  return meter;
}

function bodyMeterFacts(body: object): UsageMeter['facts'] {
  const meter = bodyMeter(body);
  meter.end(true);
  return meter.facts;
}

function streamMeter(outputTokens: number): UsageMeter {
  const meter = meterOf('ConverseStream', EVENT_STREAM);
  meter.read([encodeEvent('metadata', { usage: { inputTokens: 1, outputTokens, totalTokens: 1 + outputTokens } })]);
  return meter;
}

describe('the end of a record', () => {
  it.each<[string, Partial<RequestRecord>, object]>([
    ['refused before it was sent', { operation: 'Converse', outcome: 'refused' }, {}],
    [
      'sent, and no answer came',
      { operation: 'Converse', attempts: 1, outcome: 'timedOut' },
      { usageUnknown: 'no answer' },
    ],
    ['an operation without tokens, and no answer', { operation: 'ApplyGuardrail', attempts: 1 }, {}],
    ['an error of Bedrock', { operation: 'Converse', attempts: 1, headersMs: 5 }, {}],
    ['no operation', { attempts: 1 }, {}],
  ])('%s', (_name, record, expected) => {
    expect(added(record)).toStrictEqual(expected);
  });

  it('names the foundation model behind what was asked for', () => {
    expect(added({ modelId: 'us.amazon.nova-lite-v1:0' })).toStrictEqual({
      modelType: 'inference-profile',
      foundationModelId: 'amazon.nova-lite-v1:0',
    });
    expect(added({ modelId: 'opaque' })).toStrictEqual({});
  });

  it('names the foundation model behind an alias, whatever the answer calls it', () => {
    const record: RequestRecord = {
      ...BEGUN,
      operation: 'ChatCompletions',
      modelId: 'amazon.team-v1',
      outcome: 'complete',
    };
    record.resolvedModelId = 'openai.gpt-oss-20b-1:0';
    addAnswer(record, {}, bodyMeterFacts({ model: 'openai.gpt-oss-120b-1:0' }));
    conclude(
      record,
      RUNTIME.operations.find(({ name }) => name === 'ChatCompletions'),
      undefined,
    );
    expect(record).toMatchObject({
      modelId: 'amazon.team-v1',
      resolvedModelId: 'openai.gpt-oss-20b-1:0',
      modelType: 'foundation-model',
      foundationModelId: 'openai.gpt-oss-20b-1:0',
      responseModel: 'openai.gpt-oss-120b-1:0',
    });
  });

  it('names the model of a prompt router', () => {
    const modelId = 'arn:aws:bedrock:us-east-1:123456789012:prompt-router/nova';
    const invokedModelId = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0';
    const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
    const meter = bodyMeter({ usage, trace: { promptRouter: { invokedModelId } } });
    expect(added({ modelId, outcome: 'complete' }, meter)).toMatchObject({
      modelType: 'prompt-router',
      foundationModelId: 'amazon.nova-pro-v1:0',
    });
  });

  it.each([
    [
      'the one asked for is another',
      'ChatCompletions',
      'made.up-1',
      'openai.gpt-oss-20b-1:0',
      'openai.gpt-oss-20b-1:0',
    ],
    ['the same in other words', 'Messages', 'us.anthropic.claude-v2:1', 'claude-v2', 'us.anthropic.claude-v2:1'],
    [
      'the same without its profile',
      'Messages',
      'us.anthropic.claude-v2:1',
      'anthropic.claude-v2:1',
      'us.anthropic.claude-v2:1',
    ],
    [
      'a name that cannot be compared',
      'ChatCompletions',
      'openai.gpt-oss-20b-1:0',
      'gpt-5.6',
      'openai.gpt-oss-20b-1:0',
    ],
    [
      'a profile of one’s own',
      'ChatCompletions',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
      'openai.gpt-oss-20b-1:0',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
    ],
    ['a model of the path', 'InvokeModel', 'made.up-1', 'openai.gpt-oss-20b-1:0', 'made.up-1'],
  ])('the model that has worked: %s', (_name, operation, asked, model, expected) => {
    const record: RequestRecord = { ...BEGUN, operation, modelId: asked, outcome: 'complete' };
    addAnswer(record, {}, bodyMeterFacts({ model }));
    conclude(
      record,
      RUNTIME.operations.find(({ name }) => name === operation),
      undefined,
    );
    expect(record).toMatchObject({ modelId: expected, responseModel: model });
  });

  it('tells what the answer told beside its tokens', () => {
    const meter = bodyMeter({
      stopReason: 'guardrail_intervened',
      serviceTier: { type: 'flex' },
      performanceConfig: { latency: 'standard' },
    });
    expect(added({ modelId: 'amazon.nova-pro-v1:0', outcome: 'complete' }, meter)).toMatchObject({
      stopReason: 'guardrail_intervened',
      guardrailAction: 'GUARDRAIL_INTERVENED',
      serviceTier: 'flex',
      latencyMode: 'standard',
    });
  });

  it('takes the model that the answer names where the request did not show it', () => {
    const meter = () => bodyMeter({ model: 'openai.gpt-oss-20b-1:0' });
    expect(added({}, meter())).toMatchObject({
      modelId: 'openai.gpt-oss-20b-1:0',
      responseModel: 'openai.gpt-oss-20b-1:0',
    });
    const asked = added({ modelId: 'us.anthropic.claude-v2:1' }, meter());
    expect(asked).toMatchObject({
      foundationModelId: 'anthropic.claude-v2:1',
      responseModel: 'openai.gpt-oss-20b-1:0',
    });
    expect(asked).not.toHaveProperty('modelId');
  });

  it.each(['a text that the model has written', 'm'.repeat(3000), ''])('leaves out %.9j as a model', (model) => {
    const trace = { promptRouter: { invokedModelId: model } };
    expect(added({ outcome: 'complete' }, bodyMeter({ model, trace }))).toStrictEqual({
      usageUnknown: 'no usage in the answer',
    });
  });

  describe('tokens a second', () => {
    const complete = { outcome: 'complete', firstTokenMs: 100 } as const;

    it('are those after the first, by the time after the first', () => {
      expect(added(complete, streamMeter(51), 1100)).toMatchObject({ outputTokensPerSecond: 50 });
      expect(added(complete, streamMeter(2), 110)).toMatchObject({ outputTokensPerSecond: 100 });
    });

    it.each<[string, Partial<RequestRecord>, number, number]>([
      ['one token', complete, 1, 1100],
      ['a stream that came in one piece', complete, 51, 109.9],
      ['a caller that has left', { ...complete, outcome: 'clientClosed' }, 51, 1100],
      ['no stream', { outcome: 'complete' }, 51, 1100],
    ])('%s has none', (_name, record, outputTokens, lastByteMs) => {
      expect(added(record, streamMeter(outputTokens), lastByteMs)).not.toHaveProperty('outputTokensPerSecond');
    });
  });
});
