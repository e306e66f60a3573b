import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

import { beforeEach, describe, expect, it } from 'vitest';

import type { AwsCredentials } from '../../../src/aws/credentials.ts';
import { cachedCredentials } from '../../../src/credentials/cache.ts';
import { fixedCredentials, type SharedCredentials } from '../../../src/credentials/provider.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const REFRESH_MS = 300_000;

function keys(id: string, over: Partial<AwsCredentials> = {}): AwsCredentials {
  return { accessKeyId: id, secretAccessKey: `secret of ${id}`, ...over };
}

const OLD = keys('old');
const NEW = keys('new');

let clock: ManualClock;

beforeEach(() => {
  clock = manualClock();
});

interface Vault {
  readonly provider: SharedCredentials;
  /** Readings begun so far. */
  readonly loads: { readonly signal: AbortSignal; readonly settle: PromiseWithResolvers<AwsCredentials> }[];
  readonly failures: [unknown, boolean][];
  /** Ends the reading begun last. */
  answer(loaded: AwsCredentials): Promise<void>;
  refuse(error: unknown): Promise<void>;
}

/** A provider whose readings end when the test says so. */
function vault(refreshMs = REFRESH_MS, date = () => 0): Vault {
  const loads: Vault['loads'] = [];
  const failures: Vault['failures'] = [];
  const provider = cachedCredentials(
    (signal) => {
      const settle = Promise.withResolvers<AwsCredentials>();
      loads.push({ signal, settle });
      return settle.promise;
    },
    { refreshMs, onFailure: (error, stale) => failures.push([error, stale]), clock, date },
  );
  return {
    provider,
    loads,
    failures,
    async answer(loaded) {
      loads.at(-1)?.settle.resolve(loaded);
      await turn();
    },
    async refuse(error) {
      loads.at(-1)?.settle.reject(error);
      await turn();
    },
  };
}

/** A provider that has read `loaded`. */
async function warm(loaded: AwsCredentials, refreshMs = REFRESH_MS): Promise<Vault> {
  const created = vault(refreshMs);
  const first = created.provider.get();
  await created.answer(loaded);
  await first;
  return created;
}

/** A provider that has read `OLD` and, in the background, `NEW`. */
async function rotated(refreshMs = REFRESH_MS): Promise<Vault> {
  const created = await warm(OLD, refreshMs);
  await clock.pass(refreshMs);
  await created.provider.get();
  await created.answer(NEW);
  expect(await created.provider.get()).toBe(NEW);
  return created;
}

describe('fixedCredentials', () => {
  it('have no others', async () => {
    const provider = fixedCredentials(OLD);
    expect(await provider.get()).toBe(OLD);
    expect(await provider.replace(OLD)).toBeUndefined();
  });
});

describe('the first reading', () => {
  it('happens once for all who wait', async () => {
    const { provider, loads, answer } = vault();
    const waiting = Array.from({ length: 200 }, () => provider.get());
    expect(loads).toHaveLength(1);
    await answer(OLD);
    expect(new Set(await Promise.all(waiting))).toStrictEqual(new Set([OLD]));
    expect(loads).toHaveLength(1);
  });

  it('does not happen before it is asked for', () => {
    expect(vault().loads).toHaveLength(0);
  });

  it('fails for all who wait, and is told once', async () => {
    const { provider, refuse, failures } = vault();
    const waiting = Promise.allSettled([provider.get(), provider.get()]);
    const cause = new Error('no vault');
    await refuse(cause);
    for (const outcome of await waiting) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { failure: 'unavailable', cause, retryAfterSeconds: 1 },
      });
    }
    expect(failures).toStrictEqual([[cause, false]]);
  });

  it('failed: the next callers are refused at once, until the pause is over', async () => {
    const { provider, loads, answer, refuse } = vault();
    const first = provider.get().catch((error: unknown) => error);
    await refuse(new Error('no vault'));
    await first;
    await clock.pass(999);
    await expect(provider.get()).rejects.toMatchObject({ failure: 'unavailable', status: 503, retryAfterSeconds: 1 });
    expect(loads).toHaveLength(1);
    await clock.pass(1);
    const again = provider.get();
    expect(loads).toHaveLength(2);
    await answer(OLD);
    await expect(again).resolves.toBe(OLD);
  });

  it('throttled: waits as long as the vault says', async () => {
    const { provider, loads, refuse } = vault();
    const first = provider.get().catch((error: unknown) => error);
    await refuse(Object.assign(new Error('429'), { retryAfterSeconds: 20 }));
    expect(await first).toMatchObject({ retryAfterSeconds: 20 });
    await clock.pass(19_999);
    await expect(provider.get()).rejects.toMatchObject({ failure: 'unavailable' });
    expect(loads).toHaveLength(1);
    await clock.pass(1);
    provider.get().catch(() => {});
    expect(loads).toHaveLength(2);
  });

  it('that never ends is given up after ten seconds, aborted, and no longer in the way', async () => {
    const { provider, loads, answer } = vault();
    const waiting = provider.get().catch((error: unknown) => error);
    await clock.pass(9999);
    expect(loads[0]?.signal.aborted).toBe(false);
    await clock.pass(1);
    expect(await waiting).toMatchObject({ failure: 'unavailable', cause: { name: 'TimeoutError' } });
    expect(loads[0]?.signal.aborted).toBe(true);

    await clock.pass(1000);
    const again = provider.get();
    expect(loads).toHaveLength(2);
    await answer(NEW);
    await expect(again).resolves.toBe(NEW);
    loads[0]?.settle.resolve(OLD);
    await turn();
    expect(await provider.get()).toBe(NEW);
  });

  it('leaves no listener at its signal', async () => {
    const { loads } = await warm(OLD);
    expect(loads[0] && getEventListeners(loads[0].signal, 'abort')).toHaveLength(0);
  });
});

describe('renewal', () => {
  it('happens in the background, once, when the keys are old enough', async () => {
    const { provider, loads, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS - 1);
    await provider.get();
    expect(loads).toHaveLength(1);
    await clock.pass(1);
    expect(await Promise.all(Array.from({ length: 200 }, () => provider.get()))).toStrictEqual(
      Array.from({ length: 200 }, () => OLD),
    );
    expect(loads).toHaveLength(2);
    await answer(NEW);
    expect(await provider.get()).toBe(NEW);
  });

  it('keeps the object as long as the keys are the same', async () => {
    const { provider, loads, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    await answer({ ...OLD });
    expect(await provider.get()).toBe(OLD);
    await clock.pass(REFRESH_MS - 1);
    await provider.get();
    expect(loads).toHaveLength(2);
  });

  it.each([keys('other'), keys('old', { secretAccessKey: 'x' }), keys('old', { sessionToken: 'x' })])(
    'takes %j as new',
    async (loaded) => {
      const { provider, answer } = await warm(OLD);
      await clock.pass(REFRESH_MS);
      await provider.get();
      await answer(loaded);
      expect(await provider.get()).toBe(loaded);
    },
  );

  it('failed: the old keys go on, the reading is tried again after half a minute', async () => {
    const { provider, loads, failures, refuse, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    const error = new Error('outage');
    await refuse(error);
    expect(failures).toStrictEqual([[error, true]]);
    await clock.pass(29_999);
    expect(await provider.get()).toBe(OLD);
    expect(loads).toHaveLength(2);
    await clock.pass(1);
    expect(await provider.get()).toBe(OLD);
    expect(loads).toHaveLength(3);
    await answer(NEW);
    expect(await provider.get()).toBe(NEW);
  });

  it('hung: the old keys go on, and after ten seconds it counts as failed', async () => {
    const { provider, failures } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    await clock.pass(10_000);
    expect(await provider.get()).toBe(OLD);
    expect(failures).toMatchObject([[{ name: 'TimeoutError' }, true]]);
  });
});

describe('keys that AWS refuses', () => {
  it('have changed since: the newer ones, without a reading', async () => {
    const { provider, loads } = await rotated();
    expect(await provider.replace(OLD)).toBe(NEW);
    expect(loads).toHaveLength(2);
  });

  it('are read again', async () => {
    const { provider, loads, answer } = await warm(OLD);
    const others = provider.replace(OLD);
    expect(loads).toHaveLength(2);
    await answer(NEW);
    expect(await others).toBe(NEW);
    expect(await provider.get()).toBe(NEW);
  });

  it('are read once for all who ask', async () => {
    const { provider, loads, answer } = await warm(OLD);
    const waiting = Array.from({ length: 200 }, () => provider.replace(OLD));
    await turn();
    expect(loads).toHaveLength(2);
    await answer(NEW);
    expect(new Set(await Promise.all(waiting))).toStrictEqual(new Set([NEW]));
    expect(loads).toHaveLength(2);
  });

  it('join a reading that is under way', async () => {
    const { provider, loads, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    const others = provider.replace(OLD);
    expect(loads).toHaveLength(2);
    await answer(NEW);
    expect(await others).toBe(NEW);
  });

  it('are read again after a reading under way that was too early for the new ones', async () => {
    const { provider, loads, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    const waiting = Array.from({ length: 200 }, () => provider.replace(OLD));
    await answer({ ...OLD });
    expect(loads).toHaveLength(3);
    await answer(NEW);
    expect(new Set(await Promise.all(waiting))).toStrictEqual(new Set([NEW]));
    expect(loads).toHaveLength(3);
  });

  it('are not read again by those who joined such a reading', async () => {
    const { provider, loads, answer } = await warm(OLD);
    const waiting = Array.from({ length: 200 }, () => provider.replace(OLD));
    await turn();
    waiting.push(provider.replace(OLD));
    await answer({ ...OLD });
    expect(new Set(await Promise.all(waiting))).toStrictEqual(new Set([undefined]));
    expect(loads).toHaveLength(2);
  });

  it('are still the vault’s: there are no others, and the vault has its rest', async () => {
    const { provider, loads, answer } = await warm(OLD);
    const first = provider.replace(OLD);
    await answer({ ...OLD });
    expect(await first).toBeUndefined();
    await clock.pass(9999);
    expect(await provider.replace(OLD)).toBeUndefined();
    expect(loads).toHaveLength(2);
    await clock.pass(1);
    const later = provider.replace(OLD);
    expect(loads).toHaveLength(3);
    await answer(NEW);
    expect(await later).toBe(NEW);
  });

  it('cannot be read: there are no others, until the short pause is over', async () => {
    const { provider, loads, refuse, answer } = await warm(OLD);
    const others = provider.replace(OLD);
    await refuse(new Error('outage'));
    expect(await others).toBeUndefined();
    await clock.pass(999);
    expect(await provider.replace(OLD)).toBeUndefined();
    expect(loads).toHaveLength(2);
    expect(await provider.get()).toBe(OLD);
    await clock.pass(1);
    const later = provider.replace(OLD);
    expect(loads).toHaveLength(3);
    await answer(NEW);
    expect(await later).toBe(NEW);
  });

  it('are read again although a reading in the background has just failed', async () => {
    const { provider, loads, refuse, answer } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    await refuse(new Error('outage'));
    const others = provider.replace(OLD);
    expect(loads).toHaveLength(3);
    await answer(NEW);
    expect(await others).toBe(NEW);
  });

  it('are not read again before the end of the pause that the vault has asked for', async () => {
    const { provider, loads, refuse } = await warm(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    await refuse(Object.assign(new Error('429'), { retryAfterSeconds: 20 }));
    await clock.pass(19_999);
    expect(await provider.replace(OLD)).toBeUndefined();
    expect(loads).toHaveLength(2);
    await clock.pass(1);
    provider.replace(OLD).catch(() => {});
    expect(loads).toHaveLength(3);
  });

  it('rest after a vault that hung, and not only from the beginning of that reading', async () => {
    const { provider, loads } = await warm(OLD);
    const others = provider.replace(OLD);
    await clock.pass(10_000);
    expect(await others).toBeUndefined();
    await clock.pass(999);
    expect(await provider.replace(OLD)).toBeUndefined();
    expect(loads).toHaveLength(2);
  });

  it('do not become the previous ones: half of a rotated pair is nothing to fall back on', async () => {
    const { provider, answer } = await warm(OLD);
    const half = { ...NEW, secretAccessKey: OLD.secretAccessKey };
    await clock.pass(REFRESH_MS);
    await provider.get();
    await answer(half);
    const fallback = provider.replace(half);
    await answer(half);
    expect(await fallback).toBe(OLD);
    await clock.pass(10_000);
    const others = provider.replace(half);
    await answer(NEW);
    expect(await others).toBe(NEW);
    const stillRefused = provider.replace(NEW);
    await answer(NEW);
    expect(await stillRefused).toBe(OLD);
  });

  it('refused long ago do become the previous ones: they have served since', async () => {
    const { provider, answer } = await rotated();
    const fallback = provider.replace(NEW);
    await answer(NEW);
    expect(await fallback).toBe(OLD);
    await clock.pass(REFRESH_MS);
    await provider.get();
    const newest = keys('newest');
    await answer(newest);
    const previous = provider.replace(newest);
    await answer(newest);
    expect(await previous).toBe(NEW);
  });

  it('do not wait longer than ten seconds for a vault that hangs', async () => {
    const { provider } = await warm(OLD);
    const others = provider.replace(OLD);
    await clock.pass(10_000);
    expect(await others).toBeUndefined();
  });
});

describe('new keys that AWS does not know yet', () => {
  it('the previous ones come back, and go first for five seconds', async () => {
    const { provider, answer } = await rotated();
    const others = provider.replace(NEW);
    await answer({ ...NEW });
    expect(await others).toBe(OLD);
    expect(await provider.get()).toBe(OLD);
    await clock.pass(4999);
    expect(await provider.get()).toBe(OLD);
    await clock.pass(1);
    expect(await provider.get()).toBe(NEW);
  });

  it('the previous ones are refused too: the newest go first again', async () => {
    const { provider, answer } = await rotated();
    const others = provider.replace(NEW);
    await answer({ ...NEW });
    expect(await others).toBe(OLD);
    expect(await provider.replace(OLD)).toBe(NEW);
    expect(await provider.get()).toBe(NEW);
  });

  it('newer ones still are what counts', async () => {
    const { provider, answer } = await rotated();
    const newest = keys('newest');
    const others = provider.replace(NEW);
    await answer(newest);
    expect(await others).toBe(newest);
    expect(await provider.get()).toBe(newest);
  });

  it('newer ones that arrive meanwhile end the precedence of the previous', async () => {
    const { provider, answer } = await rotated(1000);
    const others = provider.replace(NEW);
    await answer({ ...NEW });
    expect(await others).toBe(OLD);
    await clock.pass(1000);
    expect(await provider.get()).toBe(OLD);
    const newest = keys('newest');
    await answer(newest);
    expect(await provider.get()).toBe(newest);
  });
});

describe('keys that expire', () => {
  const date = () => clock.now();
  const until = (id: string, time: number) => keys(id, { expiration: new Date(time) });

  it('are read again before they do', async () => {
    const created = vault(REFRESH_MS, date);
    const first = created.provider.get();
    await created.answer(until('first', clock.now() + 100_000));
    await first;
    await clock.pass(90_000);
    expect(await created.provider.get()).toMatchObject({ accessKeyId: 'first' });
    expect(created.loads).toHaveLength(2);
  });

  it('are not used beyond that, whatever the vault does: neither the newest nor those before', async () => {
    const created = vault(REFRESH_MS, date);
    const first = created.provider.get();
    await created.answer(until('first', clock.now() + 100_000));
    await first;
    await clock.pass(75_000);
    await created.provider.get();
    const second = until('second', clock.now() + 50_000);
    await created.answer(second);
    await clock.pass(25_000);
    const others = created.provider.replace(second);
    await created.refuse(new Error('outage'));
    expect(await others).toBeUndefined();
    await clock.pass(25_000);
    const waiting = created.provider.get().catch((error: unknown) => error);
    await created.refuse(new Error('outage'));
    expect(await waiting).toMatchObject({ failure: 'unavailable' });
  });
});
