import { describe, expect, it } from 'vitest';

import { createBufferBudget } from '../../src/buffer-budget.ts';

describe('createBufferBudget', () => {
  it('lends up to its limit, to the byte', () => {
    const budget = createBufferBudget(10);
    const lease = budget.lease();
    expect(lease.resize(10)).toBe(true);
    expect(budget.used).toBe(10);
    expect(budget.lease().resize(1)).toBe(false);
    expect(budget.lease().resize(0)).toBe(true);
  });

  it('a refused growth leaves the share as it was', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease(), budget.lease()];
    one.resize(6);
    other.resize(4);
    expect(other.resize(5)).toBe(false);
    expect(budget.used).toBe(10);
    other.release();
    expect(budget.used).toBe(6);
  });

  it('a share counts once, however often it changes', () => {
    const budget = createBufferBudget(10);
    const lease = budget.lease();
    for (const bytes of [3, 10, 2, 9, 0, 10]) {
      expect(lease.resize(bytes)).toBe(true);
      expect(budget.used).toBe(bytes);
    }
  });

  it('shrinking is possible when others have taken the rest', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease(), budget.lease()];
    one.resize(5);
    other.resize(5);
    expect(one.resize(4)).toBe(true);
    expect(budget.used).toBe(9);
  });

  it('gives a share back once', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease(), budget.lease()];
    one.resize(4);
    other.resize(4);
    one.release();
    one.release();
    expect(budget.used).toBe(4);
  });
});
