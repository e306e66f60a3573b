import { randomBytes } from 'node:crypto';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { collectPieces } from '../../../src/http/pieces.ts';

function collect(sizes: readonly number[]): [Buffer[], Buffer[]] {
  const sent = sizes.map((size) => randomBytes(size));
  const pieces = collectPieces();
  for (const piece of sent) pieces.add(piece);
  return [sent, pieces.end()];
}

describe('collectPieces', () => {
  it.each<[string, number[], number[]]>([
    ['nothing', [], []],
    ['one small piece', [10], [10]],
    ['small ones', [10, 20, 30], [60]],
    ['as many as fit', [4000, 96, 1], [4096, 1]],
    ['small ones that do not fit together', [3000, 3000], [3000, 3000]],
    ['large ones', [4096, 70_000], [4096, 70_000]],
    ['small ones between large ones', [5000, 10, 5000, 10, 20, 5000, 1], [5000, 10, 5000, 30, 5000, 1]],
  ])('%s', (_name, sizes, expected) => {
    expect(collect(sizes)[1].map(({ length }) => length)).toStrictEqual(expected);
  });

  it.each([[[10]], [[5000]], [[5000, 10, 5000]]])('copies nothing of %j', (sizes) => {
    const [sent, kept] = collect(sizes);
    expect(kept.every((piece, index) => piece === sent[index])).toBe(true);
  });

  it('keeps every byte, in pieces of two kilobytes on average at least', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 9000 }))), (sizes) => {
        const [sent, kept] = collect(sizes);
        const all = Buffer.concat(sent);
        expect(Buffer.concat(kept).equals(all)).toBe(true);
        const small = kept.filter(({ length }) => length < 4096).length;
        const large = kept.length - small;
        expect(small).toBeLessThanOrEqual(all.length / 2048 + large + 1);
      }),
    );
  });
});
