import { describe, expect, it } from 'vitest';

import { parseQuery } from '../../../src/aws/query.ts';
import { forwardedQuery } from '../../../src/proxy/forwarded-query.ts';

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
    expect(forwardedQuery(query, 'any')).toBe(expected);
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
    expect(forwardedQuery(query, 'any')).toBe(expected);
  });

  it.each(['a=%', 'a=%zz&b=1', '%FF=1'])('refuses %s', (query) => {
    expect(() => parseQuery(forwardedQuery(query, 'any'))).toThrow(
      expect.objectContaining({ failure: 'invalidRequest' }),
    );
  });
});

describe('what an operation takes', () => {
  const taken = ['maxResults', 'nextToken'];

  it.each(['', 'maxResults=5', 'nextToken=a&maxResults=5', '%6eextToken=a', 'maxResults=5&code=key&code=key', '&&'])(
    '%s passes',
    (query) => {
      expect(() => forwardedQuery(query, taken)).not.toThrow();
    },
  );

  it.each([
    ['another parameter', 'other=1'],
    ['a name in another case', 'maxresults=1'],
    ['one beside those it takes', 'maxResults=5&other'],
    ['one twice', 'nextToken=a&maxResults=1&nextToken=b'],
    ['one twice, encoded in another way', 'nextToken=a&%6eextToken=b'],
    ['a value without a name', '=5'],
    ['a name of the prototype', 'constructor=1'],
  ])('%s is refused', (_name, query) => {
    expect(() => forwardedQuery(query, taken)).toThrow(
      expect.objectContaining({ failure: 'invalidRequest', status: 400 }),
    );
  });

  it('is nothing where the row names nothing', () => {
    expect(forwardedQuery('code=key')).toBe('');
    expect(() => forwardedQuery('maxResults=5')).toThrow(expect.objectContaining({ failure: 'invalidRequest' }));
  });

  it('is no more than 64 parameters, whatever they are', () => {
    const parameters = Array.from({ length: 64 }, (_, index) => `a=${index}`);
    expect(forwardedQuery(parameters.join('&'), 'any')).toBe(parameters.join('&'));
    for (const more of ['&', '&code=key', '&a=%FF']) {
      expect(() => forwardedQuery(parameters.join('&') + more, 'any')).toThrow(/more than 64/);
    }
  });

  it('the refusal does not repeat what may be a key', () => {
    expect(() => forwardedQuery('sk-secret=1', taken)).toThrow(/^(?!.*secret)/);
  });
});
