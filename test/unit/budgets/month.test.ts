import { describe, expect, it } from 'vitest';

import { amountsOf } from '../../../src/budgets/amounts.ts';
import { AGAIN_MS } from '../../../src/budgets/paging.ts';
import type { BudgetStore, Range } from '../../../src/budgets/store.ts';
import { SYNC_MS, TIMEOUT_MS } from '../../../src/budgets/sync.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { instance, type InstanceOptions, MONDAY } from './instances.ts';
import { memoryStore } from './memory-store.ts';

const HOUR = 3_600_000;
const LIMIT = 1_000_000_000;
const ACCOUNT = 'subscription:a';

/** What befalls a page: it comes late, or never, or is refused. */
type Fate = 'page' | 'fails' | 'hangs';

interface MonthOptions {
  /** Hours before this one that have rows. */
  readonly hours: number;
  readonly instances: number;
  readonly pageSize: number;
  readonly pageMs?: number;
  /** Fate of each page of closed hours, counted from 0 with those that did not come. */
  readonly fate?: (page: number) => Fate;
  readonly date?: number;
}

/** A store with a month of other instances, whose pages take their time by the clock. */
function storedMonth({ hours, instances, pageSize, pageMs = 0, fate = () => 'page', date = MONDAY }: MonthOptions) {
  const clock = manualClock(0, 10);
  const memory = memoryStore(pageSize);
  /** Tokens of one row: each differs, so that one that is counted twice does not stand for one that is not. */
  const put = (hour: string, other: string, tokens: number) =>
    memory.put({ account: ACCOUNT, hour, instance: other, amounts: amountsOf({ inputTokens: tokens }, 0) });
  const hourAt = (time: number) => new Date(time).toISOString().slice(0, 13);
  let tokens = 1;
  for (let ago = 0; ago < hours; ago += 1) {
    for (let other = 0; other < instances; other += 1) put(hourAt(date - ago * HOUR), `i${other}`, (tokens += 1));
  }
  const read: { readonly at: number; readonly range: Range }[] = [];
  const isClosed = ({ range }: { readonly range: Range }) => range.before !== undefined;
  const store: BudgetStore = {
    write: memory.write,
    async read(account, range, signal) {
      const page = read.filter(isClosed).length;
      read.push({ at: clock.now(), range });
      const befalls = range.before === undefined ? 'page' : fate(page);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      if (befalls !== 'hangs') clock.after(range.before === undefined ? 0 : pageMs, resolve);
      await promise;
      if (befalls === 'fails') throw new Error('not read');
      return memory.read(account, range, signal);
    },
  };
  return {
    clock,
    store,
    put,
    month: (name: string) => memory.sum('tokens', ACCOUNT, name),
    closed: () => read.filter(isClosed),
    latest: () => read.filter((one) => !isClosed(one)),
    begin: (options: InstanceOptions = {}) =>
      instance({ budgets: `tokens/month=${LIMIT}`, clock, store, date: () => date + clock.now(), ...options }),
  };
}

/** What an instance knows of the month: by its header, for which nothing is asked. */
function known(one: ReturnType<typeof instance>): number {
  return LIMIT - Number(one.admit({ subscriptionId: 'a' }, undefined).remaining?.split('=')[1]);
}

/** A call each second. */
async function callFor(one: ReturnType<typeof instance>, clock: ManualClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 1000) {
    expect(one.use(1, 'a')).toBeUndefined();
    await clock.pass(1000);
  }
}

describe('a month that takes longer to read than an exchange may', () => {
  // 20 instances on the 28th: 12,960 rows, 13 pages of half a second.
  const large = { hours: 27 * 24, instances: 20, pageSize: 1000, pageMs: 500 };

  it('is summed up page by page, each read once, and the latest hours every five seconds meanwhile', async () => {
    const { clock, begin, closed, latest, month } = storedMonth(large);
    const others = month('2026-11');
    const one = begin({ onStoreFailure: 'refuse' });
    await callFor(one, clock, 2 * SYNC_MS);
    expect(known(one)).toBe(others + 10);
    await callFor(one, clock, 60_000);
    expect(known(one)).toBe(others + 70);
    expect(one.failures).toStrictEqual([]);
    expect(closed()).toHaveLength(13);
    const times = latest().map(({ at }) => at);
    expect(times).toStrictEqual(Array.from({ length: times.length }, (_, index) => index * SYNC_MS));
    expect(times.length).toBeGreaterThanOrEqual(14);
  });

  it('tells what others use now before it is summed up', async () => {
    const { clock, begin, put } = storedMonth({ ...large, pageMs: 4000 });
    const one = begin({ budgets: 'tokens/hour=1000000' });
    one.use(1, 'a');
    put('2026-11-30T08', 'other', 1_000_000);
    await clock.pass(SYNC_MS);
    expect(one.use(1, 'a')).toMatchObject({ budget: 'tokens/hour' });
  });

  it('is known in part until it is summed up', async () => {
    const { clock, begin, month } = storedMonth(large);
    const one = begin();
    one.use(0, 'a');
    await clock.pass(3000);
    const part = known(one);
    expect(part).toBeGreaterThan(0);
    expect(part).toBeLessThan(month('2026-11'));
    await clock.pass(4000);
    expect(known(one)).toBe(month('2026-11'));
  });

  it('is waited for by who asks how a budget stands, for two seconds', async () => {
    for (const [pageMs, isKnown] of [
      [100, true],
      [500, false],
    ] as const) {
      const { clock, begin, month } = storedMonth({ ...large, pageMs });
      const asked = begin().standings({ subscriptionId: 'a' }, undefined);
      await clock.pass(0);
      await clock.pass(2000);
      expect(LIMIT - ((await asked)[0]?.left ?? 0) === month('2026-11')).toBe(isKnown);
    }
  });

  it('is not read by more than four accounts at a time, and none waits for its latest hours', async () => {
    const { clock, begin, latest, closed } = storedMonth({ ...large, pageMs: 4000 });
    const one = begin();
    for (let team = 0; team < 20; team += 1) one.use(1, team === 0 ? 'a' : `team${team}`);
    await clock.pass(1000);
    expect(latest()).toHaveLength(20);
    expect(closed()).toHaveLength(4);
  });
});

describe('a reading of the month that breaks', () => {
  const small = { hours: 30, instances: 3, pageSize: 10, pageMs: 100 };
  // 28 hours are closed, of three rows each.
  const PAGES = 9;
  const cases = Array.from({ length: PAGES }, (_, page) => page).flatMap((page) =>
    (['fails', 'hangs'] as const).flatMap((fate) => [1, 3].map((times) => ({ page, fate, times }))),
  );

  it.each(cases)('at page $page, which $fate $times times, goes on there, and is exact', async (broken) => {
    const { page, fate, times } = broken;
    const { clock, begin, closed, month } = storedMonth({
      ...small,
      fate: (read) => (read >= page && read < page + times ? fate : 'page'),
    });
    const one = begin();
    one.use(0, 'a');
    await clock.pass(60_000);
    expect(known(one)).toBe(month('2026-11'));
    expect(closed()).toHaveLength(PAGES + times);
    expect(one.failures).toHaveLength(1);
    await clock.pass(60_000);
    expect(clock.pending).toBe(0);
  });

  it.each(['fails', 'hangs'] as const)('for ever, as it $0, keeps nobody from the latest hours', async (fate) => {
    const { clock, begin, put, latest, closed } = storedMonth({ ...small, fate: (page) => (page < 4 ? 'page' : fate) });
    const one = begin({ budgets: `tokens/month=${LIMIT}, tokens/hour=1000000` });
    await callFor(one, clock, 600_000);
    expect(latest().length).toBeGreaterThanOrEqual(119);
    expect(closed().length).toBeLessThanOrEqual(4 + 17);
    expect(one.failures.map((told) => told.split(':')[0])).toStrictEqual(['1', '10']);
    put('2026-11-30T08', 'other', 1_000_000);
    one.use(1, 'a');
    await clock.pass(SYNC_MS);
    expect(one.use(1, 'a')).toMatchObject({ budget: 'tokens/hour' });
  });

  it.each(['fails', 'hangs'] as const)(
    'for longer than a minute, as it $0, has calls refused if that is asked for',
    async (fate) => {
      let befalls: Fate = fate;
      const { clock, begin, month } = storedMonth({ ...small, fate: (page) => (page < 4 ? 'page' : befalls) });
      const one = begin({ onStoreFailure: 'refuse' });
      await callFor(one, clock, 60_000);
      await clock.pass(2 * TIMEOUT_MS);
      expect(one.use(1, 'a')).toMatchObject({ failure: 'unavailable' });
      befalls = 'page';
      await clock.pass(120_000);
      expect(one.use(0, 'a')).toBeUndefined();
      expect(known(one)).toBe(month('2026-11'));
    },
  );

  it('because the process ends is begun anew by the next one', async () => {
    const { clock, begin, month } = storedMonth(small);
    const killed = begin({ instance: 'killed' });
    killed.use(7, 'a');
    await clock.pass(450);
    const next = begin({ instance: 'next' });
    next.use(0, 'a');
    await clock.pass(SYNC_MS);
    expect(known(next)).toBe(month('2026-11'));
    expect(month('2026-11')).toBeGreaterThan(7);
  });
});

describe('while a month is summed up', () => {
  const slow = { hours: 30, instances: 3, pageSize: 10, pageMs: 4000 };

  it('an hour may end', async () => {
    const date = MONDAY + HOUR - 10_000;
    const { clock, begin, put, month } = storedMonth({ ...slow, date });
    const one = begin();
    // A row of the hour that is closed meanwhile, read as one of the latest, and as a closed one.
    put('2026-11-30T07', 'other', 1000);
    await callFor(one, clock, 60_000);
    expect(known(one)).toBe(month('2026-11'));
  });

  it('the month may end: nothing of it is counted in the next', async () => {
    const date = Date.UTC(2026, 11, 1) - 10_000;
    const { clock, begin, put, month, closed } = storedMonth({ ...slow, date });
    const one = begin();
    await callFor(one, clock, 10_000);
    put('2026-12-01T00', 'other', 1000);
    await callFor(one, clock, 60_000);
    await clock.pass(SYNC_MS);
    expect(month('2026-12')).toBe(1000 + 60);
    expect(known(one)).toBe(month('2026-12'));
    expect(closed().length).toBeLessThan(9);
    // Two hours later the first one is closed.
    await clock.pass(2 * HOUR);
    put('2026-12-01T00', 'other', 1500);
    put('2026-12-01T01', 'other', 3);
    await callFor(one, clock, SYNC_MS);
    await clock.pass(2 * SYNC_MS);
    expect(known(one)).toBe(month('2026-12'));
  });

  it('what it has used itself counts once', async () => {
    const { clock, begin, month } = storedMonth({ ...slow, hours: 3 });
    const one = begin();
    for (let hour = 0; hour < 6; hour += 1) {
      await callFor(one, clock, 3000);
      await clock.pass(HOUR);
    }
    await callFor(one, clock, 60_000);
    await clock.pass(2 * SYNC_MS);
    expect(known(one)).toBe(month('2026-11'));
  });
});

describe('a month that is summed up', () => {
  const small = { hours: 30, instances: 3, pageSize: 10 };

  it('is read once more in every hour, one page after the other, and what came late is found', async () => {
    const { clock, begin, put, closed, month } = storedMonth(small);
    const one = begin();
    await callFor(one, clock, HOUR + SYNC_MS);
    const first = closed().filter(({ at }) => at < HOUR);
    expect(first).toHaveLength(9);
    put('2026-11-30T02', 'late', 12_345);
    const before = known(one);
    await callFor(one, clock, 9 * AGAIN_MS + SYNC_MS);
    const again = closed().filter(({ at }) => at >= HOUR);
    expect(again).toHaveLength(9);
    for (const [index, { at }] of again.entries()) expect(at).toBeGreaterThanOrEqual(HOUR + index * AGAIN_MS);
    expect(known(one) - before).toBeGreaterThan(12_345);
    await clock.pass(2 * SYNC_MS);
    expect(known(one)).toBe(month('2026-11'));
  });

  it('is not doubted when it cannot be read once more', async () => {
    const { clock, begin } = storedMonth({ ...small, fate: (page) => (page < 9 ? 'page' : 'fails') });
    const one = begin({ onStoreFailure: 'refuse' });
    await callFor(one, clock, HOUR + 300_000);
    expect(one.failures).not.toHaveLength(0);
  });

  it('is read at once after hours without calls, of which nothing is known', async () => {
    const { clock, begin, put, month, closed } = storedMonth(small);
    const one = begin();
    await callFor(one, clock, SYNC_MS);
    await clock.pass(5 * HOUR);
    put('2026-11-30T10', 'other', 5000);
    const before = closed().length;
    one.use(0, 'a');
    await clock.pass(SYNC_MS);
    expect(known(one)).toBe(month('2026-11'));
    expect(closed().length - before).toBeGreaterThanOrEqual(9);
  });
});
