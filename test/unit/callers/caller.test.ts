import { describe, expect, it } from 'vitest';

import { callerOf } from '../../../src/callers/caller.ts';

describe('callerOf', () => {
  it('reads the headers of the gateway, and no others', () => {
    expect(
      callerOf({
        'x-gateway-subscription-id': 'sub-1',
        'x-gateway-subscription-name': '%C3%89quipe%20%22A%22%2C%20100%25',
        'x-gateway-product-id': 'product',
        'x-gateway-user-id': '1',
        'x-gateway-request-id': '5c0e',
        'x-gateway-allowed-models': 'anthropic.*, amazon.nova-lite-v1%3A0',
        'x-gateway-other': 'x',
        'x-subscription-id': 'x',
      }),
    ).toStrictEqual({
      subscriptionId: 'sub-1',
      subscriptionName: 'Équipe "A", 100%',
      productId: 'product',
      userId: '1',
      gatewayRequestId: '5c0e',
      allowedModels: ['anthropic.*', 'amazon.nova-lite-v1:0'],
    });
  });

  it('what is not said is absent', () => {
    expect(callerOf({})).toStrictEqual({});
  });

  it.each(['100%', '%zz', '%FF'])('leaves %j as it is: no encoding', (value) => {
    expect(callerOf({ 'x-gateway-subscription-name': value }).subscriptionName).toBe(value);
  });
});
