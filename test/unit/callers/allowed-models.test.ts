import { describe, expect, it } from 'vitest';

import { checkModel, isModelList } from '../../../src/callers/allowed-models.ts';
import { callerOf } from '../../../src/callers/caller.ts';

describe('checkModel', () => {
  const HAIKU = 'anthropic.claude-3-haiku-20240307-v1:0';
  const PROFILE = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${HAIKU}`;

  it.each<[string | undefined, string]>([
    [undefined, HAIKU],
    ['*', HAIKU],
    ['*', PROFILE],
    [HAIKU, HAIKU],
    ['anthropic.*', HAIKU],
    ['anthropic.claude-3-*', HAIKU],
    [`${HAIKU}*`, HAIKU],
    [`amazon.nova,${HAIKU}`, HAIKU],
    [` amazon.nova , ${HAIKU} `, HAIKU],
    ['arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.*', PROFILE],
    [`,,${HAIKU}`, HAIKU],
    [`us.${HAIKU}`, PROFILE],
    ['us.anthropic.*', PROFILE],
    [HAIKU, `arn:aws:bedrock:us-east-1::foundation-model/${HAIKU}`],
    ['anthropic.*', `arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/${HAIKU}`],
  ])('%j allows %s', (list, model) => {
    expect(() => checkModel(callerWith(list), model)).not.toThrow();
  });

  it.each<[string, string]>([
    ['', HAIKU],
    [' ', HAIKU],
    [',', HAIKU],
    ['', ''],
    ['anthropic', HAIKU],
    ['anthropic.', HAIKU],
    ['*.claude-3-haiku-20240307-v1:0', HAIKU],
    ['anthropic.*-v1:0', HAIKU],
    ['Anthropic.*', HAIKU],
    ['anthropic.*', PROFILE],
    ['anthropic.*', `us.${HAIKU}`],
    ['anthropic.*', 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/anthropic.x'],
    ['anthropic.*', 'arn:aws:bedrock:us-east-1:123456789012:custom-model/anthropic.x'],
    ['anthropic.*', 'arn:aws:sagemaker:us-east-1:123456789012:foundation-model/anthropic.x'],
    ['anthropic.*', 'arn:aws:bedrock:us-east-1::foundation-model/x/anthropic.x'],
    [HAIKU, `${HAIKU}0`],
    ['anthropic?claude-3-haiku-20240307-v1:0', HAIKU],
    ['.*', HAIKU],
  ])('%j refuses %s', (list, model) => {
    expect(() => checkModel(callerWith(list), model)).toThrow(
      expect.objectContaining({ failure: 'accessDenied', status: 403 }),
    );
  });

  it.each(['*', HAIKU, PROFILE, ' anthropic.* , us.*', `${HAIKU}*,*`])('%j is a list of models', (list) => {
    expect(isModelList(list)).toBe(true);
  });

  it.each(['', ' ', ',', `${HAIKU},`, `,${HAIKU}`, '*.claude', 'a**', 'a*b', 'a;b', 'a b', 'a?', 'ä', '%FF'])(
    '%j is none',
    (list) => {
      expect(isModelList(list)).toBe(false);
    },
  );

  function callerWith(list: string | undefined) {
    return callerOf(list === undefined ? {} : { 'x-gateway-allowed-models': list });
  }
});
