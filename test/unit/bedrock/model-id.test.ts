import { describe, expect, it } from 'vitest';

import { isModelId, modelFacts } from '../../../src/bedrock/model-id.ts';

const HAIKU = 'anthropic.claude-3-5-haiku-20241022-v1:0';
const ACCOUNT = 'arn:aws:bedrock:us-east-1:123456789012';

describe('what an identifier tells of its model', () => {
  it.each([
    [HAIKU, 'foundation-model', HAIKU],
    ['meta.llama3-1-70b-instruct-v1:0', 'foundation-model', 'meta.llama3-1-70b-instruct-v1:0'],
    ['openai.gpt-oss-20b-1:0', 'foundation-model', 'openai.gpt-oss-20b-1:0'],
    ['deepseek.v3.2', 'foundation-model', 'deepseek.v3.2'],
    ['ai21.jamba-1-5-large-v1:0', 'foundation-model', 'ai21.jamba-1-5-large-v1:0'],
    ['anthropic.claude-3-haiku-20240307-v1:0:200k', 'foundation-model', 'anthropic.claude-3-haiku-20240307-v1:0:200k'],
    [`us.${HAIKU}`, 'inference-profile', HAIKU],
    [`eu.${HAIKU}`, 'inference-profile', HAIKU],
    [`jp.${HAIKU}`, 'inference-profile', HAIKU],
    [`apac.${HAIKU}`, 'inference-profile', HAIKU],
    [`us-gov.${HAIKU}`, 'inference-profile', HAIKU],
    [`global.${HAIKU}`, 'inference-profile', HAIKU],
    ['us.deepseek.r1-v1:0', 'inference-profile', 'deepseek.r1-v1:0'],
    [`arn:aws:bedrock:us-east-1::foundation-model/${HAIKU}`, 'foundation-model', HAIKU],
    [`arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/${HAIKU}`, 'foundation-model', HAIKU],
    [`${ACCOUNT}:inference-profile/us.${HAIKU}`, 'inference-profile', HAIKU],
    [`${ACCOUNT}:custom-model/amazon.titan-text-lite-v1:0:4k/a1`, 'custom-model', 'amazon.titan-text-lite-v1:0:4k'],
  ])('%s', (modelId, modelType, foundationModelId) => {
    expect(modelFacts(modelId)).toStrictEqual({ modelType, foundationModelId });
  });

  it.each([
    [`${ACCOUNT}:application-inference-profile/a1b2c3d4e5f6`, 'application-inference-profile'],
    [`${ACCOUNT}:provisioned-model/abcdefghijkl`, 'provisioned-model'],
    [`${ACCOUNT}:imported-model/abcdefghijkl`, 'imported-model'],
    [`${ACCOUNT}:custom-model-deployment/abcdefghijkl`, 'custom-model-deployment'],
    [`${ACCOUNT}:custom-model/abcdefghijkl`, 'custom-model'],
    [`${ACCOUNT}:inference-profile/mine`, 'inference-profile'],
    [`${ACCOUNT}:prompt-router/nova`, 'prompt-router'],
    [`${ACCOUNT}:default-prompt-router/anthropic.claude:1`, 'default-prompt-router'],
    [`${ACCOUNT}:prompt/PROMPT1234:1`, 'prompt'],
    ['arn:aws:sagemaker:us-east-1:123456789012:endpoint/mine', 'endpoint'],
  ])('%s is opaque', (modelId, modelType) => {
    expect(modelFacts(modelId)).toStrictEqual({ modelType });
  });

  it.each(['', 'a1b2c3d4e5f6', 'my_model', `${ACCOUNT}:guardrail/abc`, 'arn:aws:s3:::a/b', 'a/b.c', '.', 'us.'])(
    '%j tells nothing',
    (modelId) => {
      expect(modelFacts(modelId)).toStrictEqual({});
    },
  );
});

describe('what may stand in a record as a model', () => {
  it.each([HAIKU, `${ACCOUNT}:inference-profile/us.${HAIKU}`, 'a'.repeat(2048)])('%s', (text) => {
    expect(isModelId(text)).toBe(true);
  });

  it.each(['', 'a b', 'a\n', '"a"', 'é', '\u001B[2J', 'a'.repeat(2049)])('not %j', (text) => {
    expect(isModelId(text)).toBe(false);
  });
});
