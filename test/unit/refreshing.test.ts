import { setImmediate as turn } from 'node:timers/promises';

import { beforeEach, describe, expect, it } from 'vitest';

import { refreshing, type RefreshingOptions, Resting } from '../../src/refreshing.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';

const HOUR = 3_600_000;

let clock: ManualClock;
beforeEach(() => {
  clock = manualClock();
});

/** A source whose readings end when the test says so. */
function source(over: Partial<RefreshingOptions<string>> = {}) {
  const readings: PromiseWithResolvers<string>[] = [];
  const pauses: number[] = [];
  const value = refreshing<string>({
    read: () => {
      const reading = Promise.withResolvers<string>();
      readings.push(reading);
      return reading.promise;
    },
    timeoutMs: 10_000,
    freshMs: HOUR,
    coldPause: { firstMs: 1000, longestMs: 8000 },
    warmPause: { firstMs: 30_000, longestMs: 60_000 },
    forced: { pauseMs: 10_000, minAgeMs: 0 },
    onFailure: ({ pauseMs }) => pauses.push(pauseMs),
    clock,
    ...over,
  });
  const answer = async (read: string) => {
    readings.at(-1)?.resolve(read);
    await turn();
  };
  return {
    value,
    readings,
    pauses,
    answer,
    async refuse(error: unknown = new Error('outage')) {
      readings.at(-1)?.reject(error);
      await turn();
    },
    /** Has the value read. */
    async warm(read: string) {
      const first = value.get();
      await answer(read);
      expect(await first).toBe(read);
    },
  };
}

describe('pauses', () => {
  it('grow with each failure in a row, up to the longest, and begin anew after a success', async () => {
    const { value, readings, pauses, refuse, answer } = source();
    for (const pause of [1000, 2000, 4000, 8000, 8000]) {
      const failing = value.get().catch((error: unknown) => error);
      await refuse();
      expect(await failing).toMatchObject({ message: 'outage' });
      const count = readings.length;
      await clock.pass(pause - 1);
      await expect(value.get()).rejects.toBeInstanceOf(Resting);
      expect(readings).toHaveLength(count);
      await clock.pass(1);
    }
    expect(pauses).toStrictEqual([1000, 2000, 4000, 8000, 8000]);
    const reading = value.get();
    await answer('one');
    expect(await reading).toBe('one');
    await clock.pass(HOUR);
    await value.get();
    await refuse();
    expect(pauses.at(-1)).toBe(30_000);
  });

  it('name the failure before them', async () => {
    const { value, refuse } = source();
    const cause = new Error('no such role');
    const failing = value.get().catch(() => {});
    await refuse(cause);
    await failing;
    await expect(value.get()).rejects.toMatchObject({ cause });
  });

  it('are as long as the source asks for, but not longer than a minute', async () => {
    const { value, pauses, refuse } = source();
    const failing = value.get().catch(() => {});
    await refuse(Object.assign(new Error('429'), { retryAfterSeconds: 3600 }));
    await failing;
    expect(pauses).toStrictEqual([60_000]);
  });
});

describe('a value with a lifetime', () => {
  const lasting = (milliseconds: number) => ({ lifetimeMs: () => milliseconds });

  it('is renewed in the background when nine tenths of it are over', async () => {
    const { value, readings, warm, answer } = source(lasting(1000));
    await warm('one');
    await clock.pass(899);
    await value.get();
    expect(readings).toHaveLength(1);
    await clock.pass(1);
    expect(await value.get()).toBe('one');
    expect(readings).toHaveLength(2);
    await answer('two');
    expect(await value.get()).toBe('two');
  });

  it('is not given out beyond it: callers wait for the next one', async () => {
    const { value, readings, warm, answer } = source(lasting(1000));
    await warm('one');
    await clock.pass(1000);
    const waiting = [value.get(), value.get()];
    expect(readings).toHaveLength(2);
    await answer('two');
    expect(await Promise.all(waiting)).toStrictEqual(['two', 'two']);
  });

  it('that ends during a long pause is read again after the short one', async () => {
    const { value, readings, warm, refuse, answer } = source(lasting(10_000));
    await warm('one');
    await clock.pass(9000);
    await value.get();
    await refuse();
    expect(await value.get()).toBe('one');
    expect(readings).toHaveLength(2);
    await clock.pass(1000);
    const next = value.get();
    expect(readings).toHaveLength(3);
    await answer('two');
    expect(await next).toBe('two');
  });

  it('that is over when it comes is none', async () => {
    const { value, readings, pauses, answer } = source(lasting(0));
    const failing = value.get().catch((error: unknown) => error);
    await answer('one');
    expect(await failing).toBeInstanceOf(Error);
    await expect(value.get()).rejects.toBeInstanceOf(Resting);
    expect(readings).toHaveLength(1);
    expect(pauses).toStrictEqual([1000]);
  });
});

describe('a value that is not good enough', () => {
  it('is read again, at most once in a while', async () => {
    const { value, readings, warm, answer } = source();
    await warm('one');
    const other = value.renewed('one');
    await answer('two');
    expect(await other).toBe('two');
    expect(await value.renewed('one')).toBe('two');
    await clock.pass(9999);
    expect(await value.renewed('two')).toBe('two');
    expect(readings).toHaveLength(2);
    await clock.pass(1);
    const third = value.renewed('two');
    await answer('three');
    expect(await third).toBe('three');
  });

  it('and whose reading failed is read again soon', async () => {
    const { value, readings, warm, refuse, answer } = source();
    await warm('one');
    const failing = value.renewed('one');
    await refuse();
    expect(await failing).toBe('one');
    await clock.pass(999);
    expect(await value.renewed('one')).toBe('one');
    expect(readings).toHaveLength(2);
    await clock.pass(1);
    const other = value.renewed('one');
    await answer('two');
    expect(await other).toBe('two');
  });

  it('and whose source is down is asked for no less often than one that has nothing else', async () => {
    const { value, readings, warm, refuse } = source({ coldPause: { firstMs: 8000, longestMs: 30_000 } });
    await warm('one');
    for (const pause of [8000, 10_000, 10_000]) {
      const failing = value.renewed('one');
      await refuse();
      await failing;
      const count = readings.length;
      await clock.pass(pause - 1);
      await value.renewed('one');
      expect(readings).toHaveLength(count);
      await clock.pass(1);
    }
  });

  it('is good enough when it has just been read', async () => {
    const { value, readings, warm } = source({ forced: { pauseMs: 0, minAgeMs: 1000 } });
    await warm('one');
    await clock.pass(999);
    expect(await value.renewed('one')).toBe('one');
    expect(readings).toHaveLength(1);
    await clock.pass(1);
    void value.renewed('one');
    expect(readings).toHaveLength(2);
  });
});

it('a reading leaves no timer behind', async () => {
  const { value, warm, refuse } = source();
  await warm('one');
  expect(clock.pending).toBe(0);
  await clock.pass(HOUR);
  await value.get();
  expect(clock.pending).toBe(1);
  await refuse();
  expect(clock.pending).toBe(0);
});
