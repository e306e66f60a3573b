import { describe, expect, it } from 'vitest';

import { serviceOrigin } from '../../../src/aws/endpoint.ts';

describe('serviceOrigin', () => {
  it.each([
    ['aws', 'us-east-1', 'amazonaws.com'],
    ['aws', 'eu-central-2', 'amazonaws.com'],
    ['aws', 'mx-central-1', 'amazonaws.com'],
    ['aws-cn', 'cn-north-1', 'amazonaws.com.cn'],
    ['aws-us-gov', 'us-gov-west-1', 'amazonaws.com'],
    ['aws-eusc', 'eusc-de-east-1', 'amazonaws.eu'],
    ['aws-iso', 'us-iso-east-1', 'c2s.ic.gov'],
    ['aws-iso-b', 'us-isob-east-1', 'sc2s.sgov.gov'],
    ['aws-iso-e', 'eu-isoe-west-1', 'cloud.adc-e.uk'],
    ['aws-iso-f', 'us-isof-south-1', 'csp.hci.ic.gov'],
    ['a region to come, of a partition with names of its own', 'cn-south-9', 'amazonaws.com.cn'],
    ['the same', 'us-gov-north-9', 'amazonaws.com'],
  ])('%s: %s', (_partition, region, suffix) => {
    expect(serviceOrigin('bedrock-runtime', region)).toBe(`https://bedrock-runtime.${region}.${suffix}`);
  });

  it.each([
    ['us-east-1', 'https://bedrock-mantle.us-east-1.api.aws'],
    ['cn-north-1', 'https://bedrock-mantle.cn-north-1.api.amazonwebservices.com.cn'],
    ['us-gov-west-1', 'https://bedrock-mantle.us-gov-west-1.api.aws'],
  ])('in %s has the domain of dual-stack endpoints where that is asked for', (region, origin) => {
    expect(serviceOrigin('bedrock-mantle', region, true)).toBe(origin);
  });

  it.each(['us-east-99', 'eu-centrall-1', 'xx-west-1', 'us-east1', '', 'constructor', '__proto__'])(
    'does not know %j',
    (region) => {
      expect(serviceOrigin('bedrock-runtime', region)).toBeUndefined();
    },
  );
});
