import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { isExternalId, isRoleArn } from '../../../src/credentials/role.ts';
import { parseSession, type NameSession, type SessionIds } from '../../../src/credentials/session-template.ts';

function session(name: string, tags = ''): NameSession {
  const parsed = parseSession(name, tags);
  if (typeof parsed !== 'function') throw new Error(parsed.join('; '));
  return parsed;
}

describe('the name of a session', () => {
  it.each<[string, SessionIds, string]>([
    ['bedrock-proxy', {}, 'bedrock-proxy'],
    ['{subscriptionId}', { subscriptionId: 'team-a' }, 'team-a'],
    ['{productId}.{subscriptionId}', { subscriptionId: 'a', productId: 'b' }, 'b.a'],
    ['{productId}-{subscriptionId}', { subscriptionId: 'a-b', productId: 'p-q' }, 'p=2Dq-a-b'],
    ['{subscriptionId}', { subscriptionId: 'team a/b=c' }, 'team=20a=2Fb=3Dc'],
    ['{subscriptionId}', { subscriptionId: 'ü' }, '=C3=BC'],
    ['{subscriptionId}', { subscriptionId: 'a' }, '=61'],
    ['{subscriptionId}', { subscriptionId: 'a'.repeat(64) }, 'a'.repeat(64)],
    ['{subscriptionId}', { subscriptionId: '{productId}' }, '=7BproductId=7D'],
  ])('%s of %o', (template, ids, name) => {
    expect(session(template)(ids)).toStrictEqual({ name, tags: {} });
  });

  it('that is too long keeps its beginning and what makes it the only one, whole characters each', () => {
    const names = ['a'.repeat(65), 'a'.repeat(66), `${'a'.repeat(28)}//////////////////`].map(
      (subscriptionId) => session('{subscriptionId}')({ subscriptionId }).name,
    );
    expect(names[0]).toMatch(/^a{30}==[0-9a-f]{32}$/);
    expect(names[2]).toMatch(/^a{28}==[0-9a-f]{32}$/);
    expect(new Set(names).size).toBe(3);
  });

  it.each<[string, SessionIds]>([
    ['{subscriptionId}', {}],
    ['{subscriptionId}', { subscriptionId: '' }],
    ['{subscriptionId}.{productId}', { subscriptionId: 'a' }],
  ])('%s is refused to %o', (template, ids) => {
    expect(() => session(template)(ids)).toThrow(
      expect.objectContaining({ failure: 'accessDenied', status: 403 }) as Error,
    );
  });

  it('is always one that STS takes', () => {
    const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(id, id, (subscriptionId, productId) => {
        const { name, tags } = session(
          '{subscriptionId}',
          'a={subscriptionId}/{productId}',
        )({ subscriptionId, productId });
        expect(name).toMatch(/^[\w+=,.@-]{2,64}$/);
        expect(tags['a']).toMatch(/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,256}$/u);
        expect(tags['a']?.length).toBeLessThanOrEqual(256);
      }),
    );
  });

  it('is another one for another id', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(id, id, (one, other) => {
        const name = (subscriptionId: string) => session('{subscriptionId}')({ subscriptionId }).name;
        expect(name(one) === name(other)).toBe(one === other);
      }),
    );
  });
});

it.each(['-', '.', '+', '@', '_', ',', '-x-'])(
  'two pairs of ids never have the same name between which there is %s',
  (text) => {
    const id = fc.string({ unit: fc.constantFrom('a', 'b', '2', 'D', '=', '/', ...text), minLength: 1, maxLength: 6 });
    const nameOf = session(`{subscriptionId}${text}{productId}`);
    fc.assert(
      fc.property(id, id, id, id, (subscriptionId, productId, otherSubscription, otherProduct) => {
        const { name } = nameOf({ subscriptionId, productId });
        const other = nameOf({ subscriptionId: otherSubscription, productId: otherProduct }).name;
        expect(name === other).toBe(subscriptionId === otherSubscription && productId === otherProduct);
      }),
      // What once was the same.
      { numRuns: 2000, examples: [['a', `b${text}a`, `a${text}b`, 'a']] },
    );
  },
);

describe('the tags of a session', () => {
  it('are made of text and ids', () => {
    const named = session('x1', 'team={subscriptionId}, cost centre=42=b,both={productId}/{subscriptionId}');
    expect(named({ subscriptionId: 'ü [1]', productId: 'p' }).tags).toStrictEqual({
      team: 'ü =5B1=5D',
      'cost centre': '42=b',
      both: 'p/ü =5B1=5D',
    });
  });

  it('are cut as names are', () => {
    const { tags } = session('x1', 'team={subscriptionId}')({ subscriptionId: 'a'.repeat(257) });
    expect(tags['team']).toMatch(/^a{222}==[0-9a-f]{32}$/);
  });
});

describe('settings that cannot be', () => {
  it.each([
    ['', ''],
    ['team a', ''],
    ['{userId}', ''],
    ['x'.repeat(65), ''],
    ['{subscriptionId}{productId}', ''],
    ['{subscriptionId}x{productId}', ''],
    ['{subscriptionId}={productId}', ''],
    ['x1', 'both={subscriptionId}{productId}'],
    ['x1', 'team'],
    ['x1', '=a'],
    ['x1', 'team=[a]'],
    ['x1', 'aws:team=a'],
    ['x1', 'Team=a,team=b'],
    ['x1', `${'k'.repeat(129)}=a`],
    ['x1', Array.from({ length: 51 }, (_, index) => `k${index}=v`).join(',')],
  ])('%s, %s', (name, tags) => {
    expect(parseSession(name, tags)).toStrictEqual([expect.any(String)]);
  });
});

describe('ARNs of roles', () => {
  it.each([
    ['arn:aws:iam::111122223333:role/bedrock', true],
    ['arn:aws-us-gov:iam::111122223333:role/team/a/bedrock', true],
    ['arn:aws-cn:iam::111122223333:role/bedrock', true],
    ['arn:aws:iam::111122223333:role/', false],
    ['arn:aws:iam::111122223333:user/bedrock', false],
    ['arn:aws:iam::11112222333:role/bedrock', false],
    ['arn:aws:sts::111122223333:assumed-role/bedrock/x', false],
    [`arn:aws:iam::111122223333:role/${'r'.repeat(65)}`, false],
    ['arn:aws:iam::111122223333:role/bedrock\n', false],
    ['arn:aws:iam::111122223333:role/a b', false],
  ])('%j: %s', (text, verdict) => {
    expect(isRoleArn(text)).toBe(verdict);
  });

  it.each([
    ['a1', true],
    ['a', false],
    ['azure:proxy/1', true],
    ['a b', false],
    ['x'.repeat(1225), false],
  ])('external id %s: %s', (text, verdict) => {
    expect(isExternalId(text)).toBe(verdict);
  });
});
