import { describe, expect, it } from 'vitest';

import { forwardedQuery, parseQuery } from '../../../src/aws/query.ts';

describe('forwardedQuery', () => {
  it.each([
    ['', ''],
    ['a=1&b=2', 'a=1&b=2'],
    ['b=2&a=1', 'b=2&a=1'],
    ['a=2&a=1&a=2', 'a=2&a=1&a=2'],
    ['a&b=&=c', 'a&b=&=c'],
    ['submitTimeAfter=2026-01-01T00%3A00%3A00Z', 'submitTimeAfter=2026-01-01T00%3A00%3A00Z'],
    ['nextToken=a%2Fb%3D%3D&x=e%20f', 'nextToken=a%2Fb%3D%3D&x=e%20f'],
    ['nextToken=ab+cd==', 'nextToken=ab%2Bcd=='],
    ['a=%C3%A9', 'a=%C3%A9'],
  ])('keeps %s', (query, expected) => {
    expect(forwardedQuery(query)).toBe(expected);
  });

  it.each([
    ['code=key&a=1', 'a=1'],
    ['a=1&CODE=key', 'a=1'],
    ['%63ode=key', ''],
    ['api-key=k&subscription-key=k&a=1', 'a=1'],
    ['Headers={%22x%22:1}&a=1', 'a=1'],
    ['headers&a=1', 'a=1'],
    ['X-Amz-Signature=0&X-Amz-Credential=x&a=1', 'a=1'],
    ['&&a=1&', 'a=1'],
  ])('keeps back what must not travel in %s', (query, expected) => {
    expect(forwardedQuery(query)).toBe(expected);
  });

  it.each(['a=%', 'a=%zz&b=1', '%FF=1'])('refuses %s', (query) => {
    expect(() => parseQuery(forwardedQuery(query))).toThrow(expect.objectContaining({ failure: 'invalidRequest' }));
  });
});

describe('parseQuery', () => {
  it.each([
    ['', {}],
    ['a=1&a=2&b', { a: ['1', '2'], b: [''] }],
    ['a%20b=c%2Fd=e', { 'a b': ['c/d=e'] }],
    ['constructor=x', { constructor: ['x'] }],
  ])('%s', (query, expected) => {
    expect({ ...parseQuery(query) }).toEqual(expected);
  });

  it('keeps a parameter named __proto__', () => {
    expect(Object.entries(parseQuery('__proto__=x'))).toStrictEqual([['__proto__', ['x']]]);
  });
});
