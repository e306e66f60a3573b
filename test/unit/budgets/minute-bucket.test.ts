import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Clock } from '../../../src/clock.ts';
import type { TokenUsage } from '../../../src/usage/token-usage.ts';
import { instance } from './instances.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A budget whose clock stands until it is moved. */
function budgetOf(tokensPerMinute: number, start = 0) {
  let time = start;
  const clock: Clock = { now: () => time, after: () => ({ restart() {}, cancel() {} }) };
  const { use, admit } = instance({ budgets: `tokens/minute=${tokensPerMinute}`, clock });
  /** Seconds to wait when the call is refused, 0 when it is admitted; it uses so many tokens at once. */
  const call = (tokens: number | TokenUsage, subscriptionId?: string): number => {
    const refusal = use(tokens, subscriptionId);
    if (refusal === undefined) return 0;
    expect(refusal.failure).toBe('throttled');
    return refusal.retryAfterSeconds ?? -1;
  };
  return {
    call,
    admit: (subscriptionId?: string) => {
      const { charge } = admit(subscriptionId === undefined ? {} : { subscriptionId }, undefined);
      return (usage: TokenUsage) => void charge(usage, undefined);
    },
    pass(milliseconds: number) {
      time += milliseconds;
    },
  };
}

describe('the budget of a minute', () => {
  it('admits until it is used up', () => {
    const { call } = budgetOf(100);
    expect(call(60)).toBe(0);
    expect(call(39)).toBe(0);
    expect(call(1)).toBe(0);
    expect(call(1)).toBe(1);
  });

  it('refuses with 429 and the time to wait', () => {
    const { admit, call } = budgetOf(100);
    call(150);
    expect(() => admit(undefined)).toThrow(
      expect.objectContaining({ status: 429, errorType: 'ThrottlingException', retryAfterSeconds: 31 }),
    );
  });

  it('is filled up steadily', () => {
    const { call, pass } = budgetOf(60);
    call(60);
    expect(call(1)).toBe(1);
    pass(1);
    expect(call(1)).toBe(0);
    expect(call(1)).toBe(1);
    pass(10 * SECOND);
    expect(call(9)).toBe(0);
    expect(call(9)).toBe(0);
    expect(call(9)).toBeGreaterThan(0);
  });

  it('holds no more than a minute, however long nobody calls', () => {
    const { call, pass } = budgetOf(100);
    pass(1000 * MINUTE);
    call(100);
    expect(call(1)).toBe(1);
  });

  it('a call that takes too much has to be made up for', () => {
    const { call, pass } = budgetOf(100);
    call(1100);
    expect(call(1)).toBe(601);
    pass(600 * SECOND);
    expect(call(1)).toBe(1);
    pass(1 * SECOND);
    expect(call(1)).toBe(0);
  });

  it('the wait it names is enough', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.array(fc.nat({ max: 2_000_000 }), { maxLength: 5 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (limit, uses, start) => {
          const { call, pass } = budgetOf(limit, start);
          for (const tokens of uses) call(tokens);
          const wait = call(0);
          pass(wait * SECOND);
          expect(call(0)).toBe(0);
        },
      ),
    );
  });

  it('no more than the budget is used in the long run, but for one minute and the last call', () => {
    const step = fc.record({ pause: fc.nat({ max: 30 * SECOND }), tokens: fc.nat({ max: 400 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const { call, pass } = budgetOf(100);
        let [elapsed, used] = [0, 0];
        for (const { pause, tokens } of steps) {
          pass(pause);
          elapsed += pause;
          if (call(tokens) === 0) used += tokens;
        }
        expect(used).toBeLessThanOrEqual(100 + (100 * elapsed) / MINUTE + 400);
      }),
    );
  });

  it('calls at the same time are all admitted: what they use is known after them', () => {
    const { admit, call } = budgetOf(100);
    const calls = Array.from({ length: 5 }, () => admit('a'));
    for (const use of calls) use({ outputTokens: 100 });
    expect(call(1, 'a')).toBe(241);
  });
});

describe('subscriptions', () => {
  it('have budgets of their own', () => {
    const { call } = budgetOf(100);
    call(100, 'a');
    expect(call(1, 'a')).toBe(1);
    expect(call(1, 'b')).toBe(0);
    expect(call(1)).toBe(0);
  });

  it('callers without one share one', () => {
    const { call } = budgetOf(100);
    call(100);
    expect(call(1)).toBe(1);
    expect(call(1, '')).toBe(1);
  });

  it('with the names of a prototype are as any other', () => {
    const { call } = budgetOf(100);
    for (const id of ['__proto__', 'constructor', 'hasOwnProperty']) {
      expect(call(100, id)).toBe(0);
      expect(call(1, id)).toBe(1);
    }
  });
});

describe('tokens', () => {
  it.each<[TokenUsage, number]>([
    [{}, 0],
    [{ inputTokens: 1 }, 1],
    [{ outputTokens: 2 }, 2],
    [{ inputTokens: 1, outputTokens: 2, totalTokens: 100 }, 3],
    [{ inputTokens: 1, cacheReadInputTokens: 1000 }, 1],
    [{ inputTokens: 1, cacheWriteInputTokens: 10 }, 11],
    [{ inputTokens: 1, cacheWriteInputTokens: 10, cacheWrite5mInputTokens: 4, cacheWrite1hInputTokens: 6 }, 11],
    [{ outputTokens: 5, reasoningTokens: 4 }, 5],
    [{ totalTokens: 7 }, 7],
    [{ inputTokens: 0, outputTokens: 0, totalTokens: 7 }, 0],
  ])('%o are %i', (counts, tokens) => {
    const { call } = budgetOf(60);
    call(60);
    call(counts);
    const debt = budgetOf(60);
    const use = debt.admit(undefined);
    debt.call(60);
    use(counts);
    // A token a second.
    expect(debt.call(0)).toBe(tokens + 1);
  });
});
