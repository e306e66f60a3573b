import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AMOUNTS } from '../../../src/budgets/amounts.ts';
import { SYNC_MS, TIMEOUT_MS } from '../../../src/budgets/sync.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { instance, MONDAY, NOVA } from './instances.ts';
import { memoryStore, type StoreFault } from './memory-store.ts';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 100);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

const HOUR = 3_600_000;
const BUDGETS = 'tokens/day=1000000, product:cost/month=500, tokens/hour=500000';

/** Lets every exchange that is under way or due come to its end. */
async function settle(clock: ReturnType<typeof manualClock>, milliseconds = 4 * SYNC_MS): Promise<void> {
  const step = Math.max(500, milliseconds / 50);
  for (let passed = 0; passed < milliseconds; passed += step) await clock.pass(step);
  for (let turns = 0; turns < 50; turns += 1) await clock.pass(0);
}

describe('two instances', () => {
  it('know of each other within the time between two readings', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const [one, two] = ['one', 'two'].map((name) =>
      instance({ budgets: 'tokens/day=100', clock, store, instance: name }),
    );
    expect(one?.use(60, 'a')).toBeUndefined();
    expect(two?.use(50, 'a')).toBeUndefined();
    await settle(clock);
    // One has read before two has written: the call after a pause goes by that, and the reading that it begins.
    expect(one?.use(0, 'a')).toBeUndefined();
    await settle(clock);
    expect(one?.use(1, 'a')).toMatchObject({ budget: 'tokens/day' });
    expect(two?.use(1, 'a')).toMatchObject({ budget: 'tokens/day' });
    expect(two?.use(1, 'b')).toBeUndefined();
  });

  it('exchange nothing while there are no calls', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const one = instance({ budgets: 'tokens/day=100', clock, store });
    one.use(1, 'a');
    await settle(clock);
    const before = { ...store.operations };
    await settle(clock, 20 * SYNC_MS);
    expect(store.operations).toStrictEqual(before);
    expect(clock.pending).toBe(0);
  });

  it('need two operations in five seconds for a subscription that calls all the time', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const one = instance({ budgets: 'tokens/day=1000000', clock, store });
    for (let second = 0; second < 300; second += 1) {
      for (let calls = 0; calls < 20; calls += 1) one.use(1, 'a');
      await clock.pass(1000);
    }
    expect(store.operations.write).toBeLessThanOrEqual(62);
    expect(store.operations.read).toBeLessThanOrEqual(62);
  });

  it('share the bucket of a minute', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const order = 'tokens/minute=600';
    const [one, two] = ['one', 'two'].map((name) => instance({ clock, store, instance: name }));
    one?.use(1, 'a', order);
    two?.use(1, 'a', order);
    await settle(clock);
    one?.use(1200, 'a', order);
    two?.use(1, 'a', order);
    await settle(clock, 2 * SYNC_MS);
    two?.use(1, 'a', order);
    await settle(clock, 2 * SYNC_MS);
    // Of 1200, 200 have been filled up in 20 seconds at most.
    expect(two?.use(1, 'a', order)).toMatchObject({ failure: 'throttled' });
    await settle(clock, 120_000);
    expect(two?.use(1, 'a', order)).toBeUndefined();
    // What others have used since long is not owed once more.
    for (let minute = 0; minute < 10; minute += 1) {
      one?.use(500, 'a', order);
      await settle(clock, 60_000);
    }
    two?.use(0, 'a', order);
    await settle(clock, 2 * SYNC_MS);
    expect(two?.use(1, 'a', order)).toBeUndefined();
  });
});

it('a process that takes the place of one that was killed goes on where it was', async () => {
  const [clock, store] = [manualClock(), memoryStore()];
  const killed = instance({ budgets: BUDGETS, clock, store, instance: 'killed' });
  killed.use(400_000, 'a');
  await settle(clock);
  await settle(clock, 3 * HOUR);
  killed.use(100, 'a');
  const next = instance({
    budgets: 'tokens/day=400000',
    clock,
    store,
    instance: 'next',
    date: () => MONDAY + 4 * HOUR,
  });
  next.use(0, 'a');
  await settle(clock);
  expect(next.use(1, 'a')).toMatchObject({ budget: 'tokens/day' });
});

it('an end in good order writes what the store does not have', async () => {
  const [clock, store] = [manualClock(), memoryStore()];
  const one = instance({ budgets: BUDGETS, clock, store });
  one.use(10, 'a');
  await settle(clock);
  one.use(7, 'a');
  one.use(5, 'b');
  await one.flush();
  expect([store.sum('tokens', 'subscription:a'), store.sum('tokens', 'subscription:b')]).toStrictEqual([17, 5]);
  expect(store.sum('tokens', 'product:')).toBe(22);
});

describe('who asks how a budget stands', () => {
  const left = async (one: ReturnType<typeof instance>) =>
    (await one.standings({ subscriptionId: 'a' }, undefined))[0]?.left;

  it('is told what the store holds, also where no call has been', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const [one, two] = ['one', 'two'].map((name) =>
      instance({ budgets: 'tokens/day=100', clock, store, instance: name }),
    );
    if (one === undefined || two === undefined) throw new Error('no instances');
    one.use(60, 'a');
    await settle(clock);
    expect(await left(two)).toBe(40);
    one.use(10, 'a');
    await one.flush();
    // Not sooner than a second after the last reading.
    expect(await left(two)).toBe(40);
    await clock.pass(1000);
    expect(await left(two)).toBe(30);
    await settle(clock, 20 * SYNC_MS);
    expect(clock.pending).toBe(0);
  });

  it('waits two seconds for the store, and not at all while it fails', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const silent: typeof store = {
      ...store,
      read: (_account, _hour, signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    };
    const one = instance({ budgets: 'tokens/day=100', clock, store: silent });
    const asked = left(one);
    await clock.pass(2000);
    expect(await asked).toBe(100);
    await clock.pass(SYNC_MS);
    expect(one.failures).toHaveLength(1);
    expect(await left(one)).toBe(100);
  });
});

describe('while the store is out of reach', () => {
  it('calls go on by what is known, and somebody is told', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    store.fault(() => 'before');
    const one = instance({ budgets: 'tokens/day=100', clock, store });
    expect(one.use(60, 'a')).toBeUndefined();
    await settle(clock, 10 * 60_000);
    expect(one.use(60, 'a')).toBeUndefined();
    expect(one.use(1, 'a')).toMatchObject({ budget: 'tokens/day' });
    expect(one.failures[0]).toBe('1: Error: not done');
    // A minute between attempts, at last.
    expect(store.operations.write).toBeLessThan(20);
    store.fault(() => 'none');
    await settle(clock, 2 * 60_000);
    expect(store.sum('tokens')).toBe(120);
  });

  it('they are refused where that is asked for, after a minute', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    store.fault(() => 'before');
    const one = instance({ budgets: 'tokens/day=100', clock, store, onStoreFailure: 'refuse' });
    expect(one.use(1, 'a')).toBeUndefined();
    await settle(clock, 50_000);
    expect(one.use(1, 'a')).toBeUndefined();
    await settle(clock, 20_000);
    expect(one.use(1, 'a')).toMatchObject({ failure: 'unavailable' });
    store.fault(() => 'none');
    await settle(clock, 2 * 60_000);
    expect(one.use(1, 'a')).toBeUndefined();
  });

  it('no exchange waits longer than its time, though the store hangs and does not obey the signal', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const asked: string[] = [];
    const hang = <T>(account: string) => {
      asked.push(account);
      return new Promise<T>(() => {});
    };
    const hanging: typeof store = { ...store, write: ({ account }) => hang(account), read: (account) => hang(account) };
    const one = instance({ budgets: 'tokens/day=100', clock, store: hanging, onStoreFailure: 'refuse' });
    // More than there are exchanges at a time.
    const teams = Array.from({ length: 10 }, (_, index) => `team${index}`);
    for (const team of teams) expect(one.use(1, team)).toBeUndefined();
    await settle(clock, 2 * TIMEOUT_MS);
    expect(new Set(asked).size).toBe(teams.length);
    expect(one.failures[0]).toBe('1: TimeoutError: too slow');
    await settle(clock, 60_000);
    for (const team of teams) expect(one.use(1, team)).toMatchObject({ failure: 'unavailable' });
    const flushed = one.flush();
    await settle(clock, 3 * TIMEOUT_MS);
    await flushed;
  });

  it('for one account alone, it is left alone as if it were the only one, and the others go on', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    const asked = { bad: 0, good: 0 };
    const one = instance({
      budgets: 'tokens/day=100000',
      clock,
      store: {
        ...store,
        read: (account, ...rest) => {
          asked[account === 'subscription:bad' ? 'bad' : 'good'] += 1;
          return account === 'subscription:bad' ? Promise.reject(new Error('bad row')) : store.read(account, ...rest);
        },
      },
    });
    for (let second = 0; second < 600; second += 1) {
      for (const team of ['bad', 'good']) one.use(1, team);
      await clock.pass(1000);
    }
    // After 1, 2, 4, 8, 16 and 32 seconds, then once a minute.
    expect(asked.bad).toBeLessThanOrEqual(16);
    expect(asked.good).toBeGreaterThanOrEqual(119);
    expect(one.failures).toStrictEqual(['1: Error: bad row', '10: Error: bad row']);
  });

  it('for all accounts, one of them is told, and each that goes on failing', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    store.fault(() => 'before');
    const one = instance({ budgets: 'tokens/day=100', clock, store });
    for (let team = 0; team < 20; team += 1) one.use(1, `team${team}`);
    await settle(clock, 150_000);
    expect(one.failures).toStrictEqual(['1: Error: not done']);
    await settle(clock, 150_000);
    expect(one.failures).toStrictEqual([
      '1: Error: not done',
      ...Array.from({ length: 20 }, () => '10: Error: not done'),
    ]);
  });

  it('what comes after the time of its exchange is not believed', async () => {
    const [clock, store] = [manualClock(), memoryStore()];
    let release = () => {};
    let isFirst = true;
    const late: typeof store = {
      ...store,
      async read(...asked) {
        const rows = await store.read(...asked);
        if (isFirst) {
          isFirst = false;
          await new Promise<void>((resolve) => (release = resolve));
        }
        return rows;
      },
    };
    // What is read just before an hour is the whole of that one, and comes in the next.
    const start = clock.now();
    const date = () => MONDAY + HOUR - SYNC_MS / 2 + clock.now() - start;
    const one = instance({ budgets: 'tokens/day=100', clock, date, store: late });
    one.use(1, 'a');
    await settle(clock, SYNC_MS);
    const two = instance({ budgets: 'tokens/day=100', clock, date, store, instance: 'two' });
    two.use(200, 'a');
    await settle(clock, 4 * SYNC_MS);
    release();
    for (let turns = 0; turns < 50; turns += 1) await clock.pass(0);
    expect(one.use(1, 'a')).toMatchObject({ budget: 'tokens/day' });
  });
});

it('a write that happens after the next one changes nothing', async () => {
  const [clock, store] = [manualClock(), memoryStore()];
  const one = instance({ budgets: BUDGETS, clock, store });
  let writes = 0;
  store.fault((operation) => (operation === 'write' && (writes += 1) <= 2 ? 'late' : 'none'));
  one.use(1, 'a');
  await settle(clock);
  one.use(1, 'a');
  await settle(clock);
  store.doLate();
  expect(store.sum('tokens', 'subscription:a')).toBe(2);
  one.use(1, 'a');
  await settle(clock);
  expect(store.sum('tokens', 'subscription:a')).toBe(3);
});

it('a row that was written, and not told, hours before the next attempt is written anew', async () => {
  const [clock, store] = [manualClock(0, 10), memoryStore()];
  const one = instance({ budgets: BUDGETS, clock, store });
  one.use(1, 'a');
  store.fault(() => 'after');
  await clock.pass(0);
  one.use(1, 'a');
  store.fault(() => 'before');
  await clock.pass(3 * HOUR);
  expect(store.sum('tokens', 'subscription:a')).toBe(1);
  store.fault(() => 'none');
  await clock.pass(120_000);
  expect(store.sum('tokens', 'subscription:a')).toBe(2);
  expect(clock.pending).toBe(0);
});

describe('whatever happens, nothing drifts', () => {
  const fault: fc.Arbitrary<StoreFault> = fc.constantFrom('none', 'none', 'none', 'before', 'after', 'late', 'stale');
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('call' as const),
        worker: fc.nat({ max: 2 }),
        team: fc.constantFrom('a', 'b'),
        usage: fc.record({
          // Of a call that has told nothing there is nothing to count.
          inputTokens: fc.integer({ min: 1, max: 5000 }),
          outputTokens: fc.nat({ max: 5000 }),
          cacheReadInputTokens: fc.nat({ max: 100 }),
          cacheWriteInputTokens: fc.constantFrom(0, 50, 100),
          cacheWrite1hInputTokens: fc.constantFrom(0, 40),
        }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 20_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 5 * HOUR }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('late' as const) }) },
  );

  it('sums of the store are those of the calls, and every instance comes to know them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.array(fault, { minLength: 1, maxLength: 40 }),
        // From an hour before to some hours after the end of a month, and clocks that differ by minutes.
        fc.integer({ min: -HOUR, max: 4 * HOUR }),
        fc.array(fc.integer({ min: -300_000, max: 300_000 }), { minLength: 3, maxLength: 3 }),
        // A month of one page, or of several.
        fc.constantFrom(1, 2, 1000),
        async (steps, faults, offset, skews, pageSize) => {
          const [clock, store] = [manualClock(0, 10), memoryStore(pageSize)];
          const start = clock.now();
          const from = Date.UTC(2026, 11, 1) + offset;
          const workers = skews.map((skew, index) =>
            instance({
              budgets: 'product:cost/month=9000000, tokens/day=900000000',
              clock,
              store,
              instance: `w${index}`,
              date: () => from + skew + clock.now() - start,
            }),
          );
          let operation = 0;
          store.fault(() => faults[operation++ % faults.length] ?? 'none');
          const used: Record<string, number> = { calls: 0, tokens: 0, cost: 0 };
          const add = (name: string, amount: number) => (used[name] = (used[name] ?? 0) + amount);
          for (const one of steps) {
            if (one.kind === 'pass') await settle(clock, one.ms);
            else if (one.kind === 'late') store.doLate();
            else {
              const model = one.usage.cacheWriteInputTokens === 0 ? NOVA : 'anthropic.claude';
              const usage = {
                ...one.usage,
                cacheWrite1hInputTokens: Math.min(one.usage.cacheWrite1hInputTokens, one.usage.cacheWriteInputTokens),
              };
              const call = workers[one.worker]?.admit({ subscriptionId: one.team, productId: 'p' }, undefined);
              add('cost', Math.round((call?.charge(usage, model) ?? 0) * 1e9));
              add('calls', 1);
              add('tokens', usage.inputTokens + usage.outputTokens + usage.cacheWriteInputTokens);
              for (const [kind, tokens] of Object.entries(usage)) add(kind, tokens);
            }
          }
          store.doLate();
          store.fault(() => 'none');
          await settle(clock, 150_000);
          store.doLate();
          for (const amount of AMOUNTS) {
            expect(store.sum(amount, 'product:p'), amount).toBe(used[amount] ?? 0);
            expect(store.sum(amount, 'subscription:'), amount).toBe(used[amount] ?? 0);
          }
          // A row that was written when its hour was long over is known with the next sum over the month.
          await settle(clock, HOUR);
          for (const worker of workers) worker.admit({ productId: 'p' }, undefined);
          await settle(clock);
          // Of what they know, not of what they would read now.
          store.fault(() => 'before');
          for (const [index, worker] of workers.entries()) {
            const time = from + (skews[index] ?? 0) + clock.now() - start;
            const month = new Date(time).toISOString().slice(0, 7);
            const [standing] = await worker.standings({ productId: 'p' }, undefined);
            expect(9e15 - (standing?.left ?? 0)).toBe(store.sum('cost', 'product:p', month));
          }
        },
      ),
    );
  });
});
