import { describe, expect, it } from 'vitest';

import { isOpenAi } from '../../../src/usage/cache-overlap.ts';
import { createMeter } from '../../../src/usage/meter.ts';
import type { Usage } from '../../../src/usage/reading.ts';
import { EVENT_STREAM } from '../../emulators/bedrock/answer.ts';
import { encodeEvent } from '../../emulators/bedrock/frames.ts';
import { chunk, JSON_BODY } from '../../support/usage-feed.ts';

const GPT = 'us.openai.gpt-5.6';
const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

function counts(inputTokens: number, outputTokens: number, read: number, write: number, totalTokens: number) {
  return { inputTokens, outputTokens, totalTokens, cacheReadInputTokens: read, cacheWriteInputTokens: write };
}

function told(modelId: string, usage: object, streamed: boolean): Usage {
  const headers = streamed ? EVENT_STREAM : JSON_BODY;
  const meter = createMeter('used', { status: 200, headers }, undefined, modelId);
  meter.read([streamed ? encodeEvent('metadata', { usage }) : Buffer.from(JSON.stringify({ usage }))]);
  return meter.end(true);
}

describe('input and cache of Converse', () => {
  it.each<[string, string, boolean, object, object]>([
    ['what was measured of a stream', GPT, true, counts(4995, 19, 0, 4993, 10_007), counts(2, 19, 0, 4993, 5014)],
    ['the same without a stream', GPT, false, counts(2, 19, 0, 4993, 5014), counts(2, 19, 0, 4993, 5014)],
    ['read from a cache', GPT, true, counts(5000, 9, 4000, 500, 9509), counts(500, 9, 4000, 500, 5009)],
    ['a total without the cache', GPT, false, counts(5000, 9, 4000, 0, 5009), counts(1000, 9, 4000, 0, 5009)],
    ['no room for the cache in the input', GPT, true, counts(2, 19, 0, 4993, 5014), counts(2, 19, 0, 4993, 5014)],
    ['no total that shows it', GPT, true, counts(4995, 19, 0, 4993, 5555), counts(4995, 19, 0, 4993, 5555)],
    ['no cache', GPT, true, counts(4995, 19, 0, 0, 5014), counts(4995, 19, 0, 0, 5014)],
    ['more input than cached, plain', GPT, false, counts(6000, 9, 4000, 0, 10_009), counts(6000, 9, 4000, 0, 10_009)],
    ['another family', CLAUDE, true, counts(4995, 19, 0, 4993, 10_007), counts(4995, 19, 0, 4993, 10_007)],
  ])('%s', (_name, modelId, streamed, usage, expected) => {
    expect(told(modelId, usage, streamed)).toStrictEqual({ ...expected, source: streamed ? 'stream' : 'body' });
  });

  it('of a stream of InvokeModel are what its own dialect says', () => {
    const usage = { prompt_tokens: 10_000, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 4000 } };
    const meter = createMeter('used', { status: 200, headers: EVENT_STREAM }, undefined, GPT);
    meter.read([chunk({ choices: [], usage })]);
    expect(meter.end(true)).toMatchObject({ inputTokens: 6000, cacheReadInputTokens: 4000, totalTokens: 10_005 });
  });

  it.each([
    ['openai.gpt-oss-20b-1:0', true],
    [GPT, true],
    ['arn:aws:bedrock:us-east-1::foundation-model/openai.gpt-5.6', true],
    ['arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/openai', false],
    ['notopenai.gpt', false],
    [CLAUDE, false],
    ['', false],
  ])('%s: OpenAI, %s', (modelId, expected) => {
    expect(isOpenAi(modelId)).toBe(expected);
  });
});
