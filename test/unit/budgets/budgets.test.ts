import { describe, expect, it } from 'vitest';

import { createAccount } from '../../../src/budgets/account.ts';
import { amountsOf, noAmounts } from '../../../src/budgets/amounts.ts';
import { createCalendar } from '../../../src/budgets/calendar.ts';
import { describeStandings } from '../../../src/budgets/standing.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { instance, MONDAY, NOVA } from './instances.ts';

const HOUR = 3_600_000;

describe('a budget of the calendar', () => {
  it.each([
    [
      'tokens/hour=100',
      'throttled',
      3600,
      'The budget tokens/hour of this subscription (100) is used up; it begins anew at 2026-11-30T09:00:00.000Z.',
    ],
    [
      'tokens/day=100',
      'accessDenied',
      undefined,
      'The budget tokens/day of this subscription (100) is used up; it begins anew at 2026-12-01T00:00:00.000Z.',
    ],
    [
      'product:cost/month=0.000006',
      'accessDenied',
      undefined,
      'The budget product:cost/month of this product (0.000006) is used up; it begins anew at 2026-12-01T00:00:00.000Z.',
    ],
  ])('%s refuses as %s when it is used up', (budgets, failure, retryAfterSeconds, message) => {
    const { use } = instance({ budgets });
    expect(use(99, 'a')).toBeUndefined();
    expect(use(1, 'a')).toBeUndefined();
    expect(use(1, 'a')).toMatchObject({ failure, retryAfterSeconds, message, budget: budgets.split('=')[0] });
  });

  it('begins anew with its window', async () => {
    const clock = manualClock();
    const { use } = instance({ budgets: 'tokens/hour=100, tokens/day=250', clock });
    expect(use(120)).toBeUndefined();
    expect(use(1)).toMatchObject({ failure: 'throttled', retryAfterSeconds: 3600 });
    await clock.pass(HOUR - 500);
    expect(use(1)).toMatchObject({ retryAfterSeconds: 1 });
    await clock.pass(500);
    expect(use(130)).toBeUndefined();
    // The longer one is told.
    expect(use(1)).toMatchObject({ failure: 'accessDenied', budget: 'tokens/day' });
    await clock.pass(15 * HOUR);
    expect(use(1)).toBeUndefined();
  });

  it('takes a call in the window in which it ends', async () => {
    const clock = manualClock();
    const { admit, standings } = instance({ budgets: 'tokens/hour=100', clock });
    const call = admit({}, undefined);
    await clock.pass(HOUR);
    call.charge({ inputTokens: 40 }, NOVA);
    expect(await standings({}, undefined)).toMatchObject([{ left: 60 }]);
  });
});

describe('who shares a budget', () => {
  it('a subscription has its own, those of a product share one, and so do those without either', () => {
    const { admit, use } = instance({ budgets: 'tokens/day=100, product:tokens/day=150' });
    admit({ subscriptionId: 'a', productId: 'p' }, undefined).charge({ inputTokens: 100 }, NOVA);
    expect(() => admit({ subscriptionId: 'a', productId: 'p' }, undefined)).toThrow('budget tokens/day');
    admit({ subscriptionId: 'b', productId: 'p' }, undefined).charge({ inputTokens: 50 }, NOVA);
    expect(() => admit({ subscriptionId: 'c', productId: 'p' }, undefined)).toThrow('product:tokens/day');
    admit({ subscriptionId: 'c', productId: 'q' }, undefined);
    expect(use(100)).toBeUndefined();
    expect(use(1)).toBeDefined();
  });

  it.each(['__proto__', 'constructor', 'a b', '', 'ä'])('%s is an id as any other', (id) => {
    const { use } = instance({ budgets: 'tokens/day=1' });
    expect([use(1, id), use(1, `${id}2`)]).toStrictEqual([undefined, undefined]);
    expect(use(1, id)).toBeDefined();
  });
});

describe("the gateway's order", () => {
  it('takes the place of the settings', () => {
    const { use } = instance({ budgets: 'tokens/day=1' });
    expect(use(5, 'a', 'tokens/day=10')).toBeUndefined();
    expect(use(5, 'a', 'tokens/day=10')).toBeUndefined();
    expect(use(5, 'a', 'tokens/day=10')).toMatchObject({ failure: 'accessDenied' });
    // What was used is the subscription's, whatever the limit.
    expect(use(1, 'a')).toMatchObject({ message: expect.stringContaining('(1)') });
    expect(use(1, 'a', 'tokens/day=11')).toBeUndefined();
  });

  it.each(['', 'tokens/day', '%', 'tokens/day=0'])('%j is refused with the name of the header', (order) => {
    expect(instance().use(1, 'a', order)).toMatchObject({
      failure: 'unavailable',
      message: expect.stringMatching(/^The gateway's header x-gateway-budgets is malformed: budget 1 /),
    });
  });
});

describe('money', () => {
  it('a model without a price is refused, and so is one that is not known', () => {
    const { admit } = instance({ budgets: 'cost/month=1' });
    const call = admit({}, undefined);
    call.checkModel(NOVA);
    for (const model of ['meta.llama', undefined]) {
      expect(() => call.checkModel(model)).toThrow(expect.objectContaining({ failure: 'accessDenied' }));
    }
  });

  it('but not by budgets in tokens, or when nothing is enforced', () => {
    for (const options of [{ budgets: 'tokens/month=1' }, { budgets: 'cost/month=1', mode: 'observe' as const }]) {
      const call = instance(options).admit({}, undefined);
      expect(() => call.checkModel('meta.llama')).not.toThrow();
    }
  });

  it('the cost is told in the currency, where it is known', () => {
    const { charge } = instance({ budgets: 'cost/month=1' }).admit({}, undefined);
    expect(charge({ inputTokens: 1000, outputTokens: 500 }, NOVA)).toBe(0.00018);
    expect(charge({ inputTokens: 1000 }, 'meta.llama')).toBeUndefined();
    expect(charge({ cacheWriteInputTokens: 1, inputTokens: 0 }, NOVA)).toBeUndefined();
    expect(charge({}, NOVA)).toBeUndefined();
  });

  it('of several models that may have worked the dearest is charged', async () => {
    const { admit, standings } = instance({ budgets: 'cost/month=1' });
    const usage = { inputTokens: 1000 };
    const call = admit({}, undefined);
    expect(call.charge(usage, NOVA, undefined, ['meta.llama', 'anthropic.claude', NOVA])).toBe(0.00006);
    expect(call.charge(usage, 'anthropic.claude', undefined, [NOVA])).toBe(0.0011);
    expect(describeStandings(await standings({}, undefined))).toMatchObject([{ used: 0.0022 }]);
  });

  it('is told without a budget too', () => {
    const call = instance().admit({ subscriptionId: 'a' }, undefined);
    expect(call).toMatchObject({ remaining: undefined, exceeded: undefined });
    expect(call.charge({ inputTokens: 1000 }, NOVA)).toBe(0.00006);
  });
});

it('what is left is told as known when the call begins', async () => {
  const clock = manualClock();
  const { admit, use } = instance({ budgets: 'tokens/minute=600, cost/month=0.5, product:tokens/day=1000', clock });
  const left = () => admit({ subscriptionId: 'a' }, undefined).remaining;
  expect(left()).toBe('cost/month=0.5, product:tokens/day=1000, tokens/minute=600');
  use(100, 'a');
  expect(left()).toBe('cost/month=0.499994, product:tokens/day=900, tokens/minute=500');
  await clock.pass(5000);
  expect(left()).toBe('cost/month=0.499994, product:tokens/day=900, tokens/minute=550');
});

it('who observes refuses nothing, and is told what would have been', () => {
  const { admit, use } = instance({ budgets: 'tokens/day=10', mode: 'observe' });
  expect(admit({}, undefined).exceeded).toBeUndefined();
  expect([use(11), use(11)]).toStrictEqual([undefined, undefined]);
  expect(admit({}, undefined)).toMatchObject({ exceeded: 'tokens/day', remaining: 'tokens/day=0' });
});

it('how budgets stand', async () => {
  const clock = manualClock();
  const { use, standings } = instance({ budgets: 'tokens/minute=60, cost/month=0.5, tokens/day=1000', clock });
  use(100, 'a');
  expect(describeStandings(await standings({ subscriptionId: 'a' }, undefined))).toStrictEqual([
    { budget: 'cost/month', limit: 0.5, used: 0.000006, remaining: 0.499994, resetsAt: '2026-12-01T00:00:00.000Z' },
    { budget: 'tokens/day', limit: 1000, used: 100, remaining: 900, resetsAt: '2026-12-01T00:00:00.000Z' },
    { budget: 'tokens/minute', limit: 60, used: 100, remaining: 0, resetsAt: '2026-11-30T08:00:41.000Z' },
  ]);
  expect(await standings({ subscriptionId: 'b' }, undefined)).toMatchObject([
    { left: 500_000_000 },
    { left: 1000 },
    { left: 60 },
  ]);
});

describe('an account forgets', () => {
  it('what is over, and then itself', () => {
    let time = MONDAY;
    const windows = createCalendar(() => time);
    const account = createAccount('a', undefined, 0);
    expect(account.tidy(windows(), 0)).toBe(false);
    account.charge(amountsOf({ inputTokens: 1 }, 0), windows());
    account.bucket('tokens', 60).take(60, 0);
    expect(account.tidy(windows(), 0)).toBe(true);
    time += 20 * HOUR;
    expect(account.tidy(windows(), 1000)).toBe(true);
    expect(account.tidy(windows(), 61_000)).toBe(false);
    expect(account.used('2026-11-30')).toBeUndefined();
  });

  it('no row that the store does not have', () => {
    let time = MONDAY;
    const windows = createCalendar(() => time);
    const account = createAccount('a', 'one', 0);
    account.charge(amountsOf({ inputTokens: 1 }, 0), windows());
    time += 100 * HOUR;
    expect(account.tidy(windows(), 0)).toBe(true);
    expect(account.changed()).toMatchObject([
      { hour: '2026-11-30T08', amounts: { ...noAmounts(), calls: 1, tokens: 1, inputTokens: 1 } },
    ]);
    Object.assign(account.changed()[0] ?? {}, { writtenCalls: 1 });
    expect(account.tidy(windows(), 0)).toBe(false);
  });
});
