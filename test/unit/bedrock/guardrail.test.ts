import { describe, expect, it } from 'vitest';

import { mayBe, parseGuardrail } from '../../../src/bedrock/guardrail.ts';

const ARN = 'arn:aws:bedrock:eu-central-1:111122223333:guardrail/a1b2c3d4e5f6';

describe('an ordered guardrail', () => {
  it.each([
    ['a1b2c3d4e5f6:1', 'a1b2c3d4e5f6', '1'],
    ['a1b2c3d4e5f6:DRAFT', 'a1b2c3d4e5f6', 'DRAFT'],
    [`${ARN}:12345678`, ARN, '12345678'],
    [`${ARN.replace('aws', 'aws-us-gov')}:2`, ARN.replace('aws', 'aws-us-gov'), '2'],
  ])('%s', (text, identifier, version) => {
    expect(parseGuardrail(text)).toStrictEqual({ identifier, version });
  });

  it.each([
    '',
    ':',
    ':1',
    'a1b2',
    'a1b2:',
    'a1b2:0',
    'a1b2:01',
    'a1b2:-1',
    'a1b2:123456789',
    'a1b2:draft',
    'a1b2:1:2',
    'A1B2:1',
    'a1-b2:1',
    'a1b2 :1',
    'a1b2:1, c3d4:1',
    'a1b2:1\n',
    ARN,
    `${ARN}/x:1`,
    `${ARN.replace('eu-central-1', '')}:1`,
    `${ARN.replace('111122223333', '1111')}:1`,
    `${ARN.replace('guardrail/', 'guardrail-profile/')}:1`,
    `${ARN.replace('bedrock', 'sagemaker')}:1`,
    `${'a'.repeat(5000)}:1`,
  ])('is not %j', (text) => {
    expect(parseGuardrail(text)).toBeUndefined();
  });
});

describe('the guardrail that a client names', () => {
  const byId = { identifier: 'a1b2c3d4e5f6', version: '1' };
  const byArn = { identifier: ARN, version: '1' };

  it.each([
    ['an id by the same', byId, 'a1b2c3d4e5f6', true],
    ['an ARN by the same', byArn, ARN, true],
    ['an ARN by its id', byArn, 'a1b2c3d4e5f6', true],
    ['an id by an ARN that ends in it', byId, ARN, true],
    ['an id by another', byId, 'a1b2c3d4e5f', false],
    ['an id by the end of another', byId, 'xa1b2c3d4e5f6', false],
    ['an id in capitals', byId, 'A1B2C3D4E5F6', false],
    ['an ARN of another account', byArn, ARN.replace('111122223333', '444455556666'), false],
    ['an ARN of another region', byArn, ARN.replace('eu-central-1', 'us-east-1'), false],
    ['an ARN by another id', byArn, 'b1b2c3d4e5f6', false],
    ['nothing', byId, '', false],
    ['a path that ends in the id', byId, 'x/a1b2c3d4e5f6', false],
    ['another resource that ends in the id', byId, ARN.replace('guardrail/', 'guardrail-profile/'), false],
    ['with the version', byId, 'a1b2c3d4e5f6:1', false],
    ['twice, as of a repeated header', byId, 'a1b2c3d4e5f6, a1b2c3d4e5f6', false],
  ])('%s: may be it, or not', (_name, guardrail, named, expected) => {
    expect(mayBe(guardrail, named)).toBe(expected);
  });
});
