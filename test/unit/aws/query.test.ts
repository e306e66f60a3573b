import { describe, expect, it } from 'vitest';

import { parseQuery } from '../../../src/aws/query.ts';

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
