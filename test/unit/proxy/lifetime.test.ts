import { getEventListeners } from 'node:events';

import { beforeEach, describe, expect, it } from 'vitest';

import { startLifetime } from '../../../src/proxy/lifetime.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const LIMITS = { firstByteMs: 1000, streamMs: 5000 };

let clock: ManualClock;
let caller: AbortController;
beforeEach(() => {
  clock = manualClock();
  caller = new AbortController();
});

/** A lifetime that is looked at `late` milliseconds after the call has begun. */
function start(late = 0) {
  return startLifetime({ startedAt: clock.now() - late, gone: caller.signal }, LIMITS, clock);
}

describe('a call', () => {
  it.each([0, 400, 999])('without a first byte ends at that deadline, which %i ms of have passed', async (late) => {
    const { signal } = start(late);
    await clock.pass(999 - late);
    expect(signal.aborted).toBe(false);
    await clock.pass(1);
    expect(signal.reason).toMatchObject({ failure: 'modelTimeout' });
  });

  it('with a first byte ends at the deadline of the whole answer', async () => {
    const { signal, firstByteSent } = start();
    await clock.pass(900);
    firstByteSent();
    await clock.pass(4099);
    expect(signal.aborted).toBe(false);
    await clock.pass(1);
    expect(signal.reason).toMatchObject({ failure: 'modelTimeout' });
  });

  it('whose deadline is over when it is looked at ends at once', async () => {
    const { signal } = start(2000);
    await clock.pass(0);
    expect(signal.aborted).toBe(true);
  });

  it.each(['before', 'after'])('whose caller leaves ends with that, %s it is looked at', (when) => {
    const reason = new Error('gone');
    if (when === 'before') caller.abort(reason);
    const { signal } = start();
    if (when === 'after') caller.abort(reason);
    expect(signal.reason).toBe(reason);
  });

  it.each(['with', 'without'])('that has ended %s a first byte leaves neither timer nor listener', async (how) => {
    const { signal, firstByteSent, end } = start();
    if (how === 'with') firstByteSent();
    end();
    firstByteSent();
    expect(clock.pending).toBe(0);
    expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
    await clock.pass(10_000);
    expect(signal.aborted).toBe(false);
  });
});
