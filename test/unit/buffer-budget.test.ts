import { describe, expect, it } from 'vitest';

import { createBufferBudget } from '../../src/buffer-budget.ts';

describe('createBufferBudget', () => {
  it('lends up to its limit, to the byte', () => {
    const budget = createBufferBudget(10);
    expect(budget.lease('one').resize(5)).toBe(true);
    expect(budget.lease('other').resize(5)).toBe(true);
    expect(budget.used).toBe(10);
    expect(budget.lease('third').resize(1)).toBe(false);
    expect(budget.lease('third').resize(0)).toBe(true);
  });

  it('a refused growth leaves the share as it was', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease('one'), budget.lease('other')];
    one.hold(6);
    other.resize(4);
    expect(other.resize(5)).toBe(false);
    expect(budget.used).toBe(10);
    other.release();
    expect(budget.used).toBe(6);
  });

  it('a share counts once, however often it changes', () => {
    const budget = createBufferBudget(20);
    const lease = budget.lease();
    for (const bytes of [3, 10, 2, 9, 0, 10]) {
      expect(lease.resize(bytes)).toBe(true);
      expect(budget.used).toBe(bytes);
    }
  });

  it('shrinking is possible when others have taken the rest', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease('one'), budget.lease('other')];
    one.resize(5);
    other.resize(5);
    expect(one.resize(4)).toBe(true);
    expect(budget.used).toBe(9);
    other.hold(20);
    expect(one.resize(3)).toBe(true);
    expect(budget.used).toBe(23);
  });

  it.each([['team'], [undefined]])('one subscription holds half of it at most: %s', (subscriptionId) => {
    const budget = createBufferBudget(11);
    const [one, other] = [budget.lease(subscriptionId), budget.lease(subscriptionId)];
    expect(one.resize(3)).toBe(true);
    expect(other.resize(3)).toBe(false);
    expect(other.resize(2)).toBe(true);
    expect(budget.lease('another').resize(5)).toBe(true);
    one.release();
    expect(other.resize(5)).toBe(true);
  });

  it('what is there already counts, room or not', () => {
    const budget = createBufferBudget(10);
    const lease = budget.lease('team');
    lease.hold(12);
    expect(budget.used).toBe(12);
    expect(budget.lease('other').resize(1)).toBe(false);
    lease.hold(6);
    expect(budget.lease('team').resize(1)).toBe(false);
    expect(budget.lease('other').resize(4)).toBe(true);
    lease.release();
    lease.hold(3);
    expect(budget.used).toBe(4);
  });

  it('a copy for a moment needs room in the whole, not in the half of its subscription', () => {
    const budget = createBufferBudget(10);
    const lease = budget.lease('team');
    lease.resize(5);
    expect([lease.hasRoomFor(5), lease.hasRoomFor(6)]).toStrictEqual([true, false]);
    expect(budget.used).toBe(5);
  });

  it('gives a share back once', () => {
    const budget = createBufferBudget(10);
    const [one, other] = [budget.lease(), budget.lease()];
    one.hold(4);
    other.hold(4);
    one.release();
    one.release();
    expect(budget.used).toBe(4);
  });
});
