import type { IncomingHttpHeaders } from 'node:http';

import { describe, expect, it } from 'vitest';

import { regionOrder } from '../../../src/regions/orders.ts';

const REGIONS = ['eu-central-1', 'eu-west-1', 'us-east-1'];
const signed = (scope: string) =>
  `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/${scope}/aws4_request, SignedHeaders=host, Signature=abc`;

describe('what is said of the region', () => {
  it.each<[string, IncomingHttpHeaders, object]>([
    ['nothing', {}, {}],
    ['an order', { 'x-gateway-region': 'us-east-1' }, { ordered: ['us-east-1'] }],
    [
      'an order of several',
      { 'x-gateway-region': 'us-east-1%2C%20eu-west-1' },
      { ordered: ['us-east-1', 'eu-west-1'] },
    ],
    ['the same twice', { 'x-gateway-region': 'us-east-1,us-east-1' }, { ordered: ['us-east-1'] }],
    ["the gateway's word of the client's region", { 'x-gateway-client-region': 'sa-east-1' }, { wished: 'sa-east-1' }],
    ['a signature', { authorization: signed('eu-west-1/bedrock') }, { wished: 'eu-west-1' }],
    [
      'a signature for another service of Bedrock',
      { authorization: signed('eu-west-1/bedrock-agentcore') },
      { wished: 'eu-west-1' },
    ],
    [
      "a signature, and the gateway's word",
      { authorization: signed('eu-west-1/bedrock'), 'x-gateway-client-region': 'us-east-1' },
      { wished: 'us-east-1' },
    ],
    [
      'a signature, and an order',
      { authorization: signed('eu-west-1/bedrock'), 'x-gateway-region': 'us-east-1' },
      { ordered: ['us-east-1'] },
    ],
    ['a signature for another service', { authorization: signed('eu-west-1/s3') }, {}],
    ['a signature for no region', { authorization: signed('EU/bedrock') }, {}],
    ['a token', { authorization: 'Bearer eyJhbGciOi' }, {}],
    ['a region that would be a host', { authorization: signed('a.example/bedrock') }, {}],
  ])('%s', (_name, headers, expected) => {
    expect(regionOrder(headers, REGIONS)).toStrictEqual(expected);
  });

  it.each(['sa-east-1', 'us-east-1,sa-east-1', '', ' ', ',', 'us-east-1,', 'US-EAST-1', '%E0%A4%A', 'us-east-1\\'])(
    'the order %j is the mistake of the operator',
    (order) => {
      expect(() => regionOrder({ 'x-gateway-region': order }, REGIONS)).toThrow(
        expect.objectContaining({
          failure: 'unavailable',
          message: 'The order x-gateway-region of the gateway names a region that this app does not have.',
          cause: new Error('It has eu-central-1, eu-west-1, us-east-1.'),
        }),
      );
    },
  );
});
