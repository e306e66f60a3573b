import { describe, expect, it } from 'vitest';

import { parseGroups } from '../../src/bedrock/groups.ts';
import { parseGuardrail } from '../../src/bedrock/guardrail.ts';
import { parseAliases } from '../../src/bedrock/model-aliases.ts';
import { parseBudgets } from '../../src/budgets/budget.ts';
import { gatewayHeader } from '../../src/gateway-headers.ts';
import { orderOf } from '../../src/proxy/budgets.ts';
import { regionOrder } from '../../src/regions/orders.ts';

const MALFORMED = ['%', '100%', '%zz', '%FF', '%C3'];

describe('a header of the gateway', () => {
  it.each([
    ['%C3%89quipe%20%22A%22%2C%20100%25', 'Équipe "A", 100%'],
    ['plain', 'plain'],
    ['', ''],
    ...MALFORMED.map((value) => [value, value]),
  ])('%j says %j', (value, said) => {
    expect(gatewayHeader({ 'x-gateway-subscription-name': value }, 'x-gateway-subscription-name')).toBe(said);
  });

  it('says nothing when it is not there', () => {
    expect(gatewayHeader({}, 'x-gateway-subscription-name')).toBeUndefined();
  });

  it('with budgets is decoded', () => {
    expect(orderOf({ 'x-gateway-budgets': 'tokens%2Fday%3D10' })).toBe('tokens/day=10');
  });
});

describe.each(MALFORMED)('what is no encoding, %j, is no order', (value) => {
  it('of budgets, groups, a guardrail, names of models, regions', () => {
    const said = gatewayHeader({ 'x-gateway-order': value }, 'x-gateway-order') ?? '';
    expect(parseBudgets(said)).toBeTypeOf('string');
    expect(parseGroups(said)).toBeUndefined();
    expect(parseGuardrail(said)).toBeUndefined();
    expect(parseAliases(said)).toBeTypeOf('string');
    expect(parseAliases(`name=${said}`)).toBeTypeOf('string');
    expect(() => regionOrder({ 'x-gateway-region': value }, ['us-east-1'])).toThrow('does not have');
  });
});
