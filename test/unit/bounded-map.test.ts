import { expect, it } from 'vitest';

import { boundedMap } from '../../src/bounded-map.ts';

it('forgets what was used least recently, whether it was read or written', () => {
  const map = boundedMap<number>(3);
  for (const [index, key] of ['a', 'b', 'c'].entries()) map.set(key, index);
  map.get('a');
  map.set('b', 7);
  map.set('d', 3);
  expect(['a', 'b', 'c', 'd'].map(map.get)).toStrictEqual([0, 7, undefined, 3]);
  expect(map.size).toBe(3);
});

it('never holds more than it may', () => {
  const map = boundedMap<number>(10);
  for (let key = 0; key < 1000; key += 1) map.set(String(key), key);
  expect(map.size).toBe(10);
  map.delete('999');
  expect([map.size, map.get('999'), map.get('998')]).toStrictEqual([9, undefined, 998]);
});
