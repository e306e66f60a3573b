import { describe, expect, it } from 'vitest';

import { candidatesOf, type RegionCall } from '../../../src/regions/candidates.ts';
import { mayHave } from '../../../src/regions/geography.ts';

const REGIONS = ['eu-central-1', 'us-east-1', 'ca-central-1'];
const [EU, US, CA] = REGIONS;

describe('where a call may be made', () => {
  it.each<[string, RegionCall, readonly (string | undefined)[]]>([
    ["nothing said: the app's order", {}, [EU, US, CA]],
    ['a model of any region', { model: 'amazon.nova-lite-v1:0' }, [EU, US, CA]],
    ['a wish: first', { wished: 'us-east-1' }, [US, EU, CA]],
    ['a wish for another region: ignored', { wished: 'sa-east-1' }, [EU, US, CA]],
    ['a wish that is no region', { wished: '../etc' }, [EU, US, CA]],
    ['an order: there only', { ordered: ['us-east-1'] }, [US]],
    ['an order of several: in its order', { ordered: ['ca-central-1', 'eu-central-1'] }, [CA, EU]],
    ['an order goes before a wish', { ordered: ['ca-central-1', 'us-east-1'], wished: 'us-east-1' }, [CA, US]],
    ['an ARN: in its region only', { arnRegion: 'us-east-1' }, [US]],
    ['an ARN goes before a wish', { arnRegion: 'us-east-1', wished: 'ca-central-1' }, [US]],
    ['an ARN within an order', { arnRegion: 'us-east-1', ordered: ['eu-central-1', 'us-east-1'] }, [US]],
    ['an ARN of another region: AWS says so', { arnRegion: 'sa-east-1' }, [EU]],
    [
      'an ARN of another region, under an order',
      { arnRegion: 'sa-east-1', ordered: ['us-east-1', 'ca-central-1'] },
      [US],
    ],
    ['a profile of the EU', { model: 'eu.anthropic.claude-haiku-4-5-20251001-v1:0' }, [EU, CA]],
    ['a profile of the US', { model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' }, [US, CA]],
    ['a profile of the world', { model: 'global.anthropic.claude-haiku-4-5-20251001-v1:0' }, [EU, US, CA]],
    ['a profile goes before a wish', { model: 'eu.amazon.nova-lite-v1:0', wished: 'us-east-1' }, [EU, CA]],
    ['a wish within a profile', { model: 'us.amazon.nova-lite-v1:0', wished: 'ca-central-1' }, [CA, US]],
    ['an order goes before a profile', { model: 'us.amazon.nova-lite-v1:0', ordered: ['eu-central-1'] }, [EU]],
    ['a profile within an order', { model: 'us.amazon.nova-lite-v1:0', ordered: ['eu-central-1', 'us-east-1'] }, [US]],
    [
      'a profile that no region has',
      { model: 'us-gov.amazon.nova-lite-v1:0', ordered: ['eu-central-1', 'us-east-1'] },
      [EU, US],
    ],
  ])('%s', (_name, call, expected) => {
    expect(candidatesOf(call, REGIONS)).toStrictEqual(expected);
  });

  it('not in the region of an ARN that the gateway does not let the caller work in', () => {
    const call = { arnRegion: 'us-east-1', ordered: ['eu-central-1'] };
    expect(() => candidatesOf(call, REGIONS)).toThrow(
      expect.objectContaining({
        failure: 'accessDenied',
        message: 'Your subscription does not work in the region of this ARN.',
      }),
    );
  });
});

describe('a region may have', () => {
  it.each<[string, string, boolean]>([
    ['anthropic.claude-3-haiku-20240307-v1:0', 'eu-west-1', true],
    ['eu.anthropic.claude-3-haiku-20240307-v1:0', 'eu-west-1', true],
    ['eu.anthropic.claude-3-haiku-20240307-v1:0', 'us-west-2', false],
    ['eu.anthropic.claude-3-haiku-20240307-v1:0', 'ap-south-1', false],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', 'us-west-2', true],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', 'us-gov-west-1', false],
    ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', 'us-gov-west-1', true],
    ['us-gov.anthropic.claude-3-haiku-20240307-v1:0', 'us-west-2', false],
    ['us.anthropic.claude-3-haiku-20240307-v1:0', 'ca-central-1', true],
    ['apac.amazon.nova-lite-v1:0', 'ap-northeast-1', true],
    ['apac.amazon.nova-lite-v1:0', 'eu-north-1', false],
    ['jp.anthropic.claude-sonnet-4-5-20250929-v1:0', 'ap-northeast-3', true],
    ['jp.anthropic.claude-sonnet-4-5-20250929-v1:0', 'us-east-1', false],
    ['au.anthropic.claude-sonnet-4-5-20250929-v1:0', 'eu-central-1', false],
    ['global.anthropic.claude-sonnet-4-5-20250929-v1:0', 'sa-east-1', true],
    ['zz.anthropic.claude-sonnet-4-5-20250929-v1:0', 'eu-central-1', true],
    ['arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-lite-v1:0', 'us-east-1', false],
    ['arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc', 'us-east-1', true],
    ['', 'us-east-1', true],
  ])('%s in %s: %s', (model, region, expected) => {
    expect(mayHave(model, region)).toBe(expected);
  });
});
