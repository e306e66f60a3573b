import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from 'vitest';

import { abortable } from '../../src/abortable.ts';

const reason = new Error('gone');

/** Rejections that nobody handled while `action` ran; Node reports them after the microtasks of a turn. */
async function unhandledDuring(action: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (error: unknown) => seen.push(error);
  process.on('unhandledRejection', note);
  try {
    await action();
    await turn();
    await turn();
  } finally {
    process.off('unhandledRejection', note);
  }
  return seen;
}

describe('abortable', () => {
  it('passes the outcome on and lets go of the signal', async () => {
    const { signal } = new AbortController();
    await expect(abortable(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(abortable(Promise.reject(reason), signal)).rejects.toBe(reason);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('rejects with the reason of an abort that comes first', async () => {
    const controller = new AbortController();
    const waiting = abortable(new Promise(() => {}), controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
  });

  it('rejects at once when the signal has been aborted before', async () => {
    await expect(abortable(new Promise(() => {}), AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('an abort after the outcome changes nothing', async () => {
    const controller = new AbortController();
    const waiting = abortable(Promise.resolve('first'), controller.signal);
    await expect(waiting).resolves.toBe('first');
    controller.abort(reason);
    await expect(waiting).resolves.toBe('first');
  });

  it('a failure after the abort is nobody else’s to handle', async () => {
    const seen = await unhandledDuring(async () => {
      const controller = new AbortController();
      const late = Promise.withResolvers<never>();
      const waiting = abortable(late.promise, controller.signal);
      controller.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      late.reject(new Error('late'));
    });
    expect(seen).toStrictEqual([]);
  });

  it('neither is one of a call that was aborted before it began', async () => {
    const seen = await unhandledDuring(async () => {
      const late = Promise.withResolvers<never>();
      await expect(abortable(late.promise, AbortSignal.abort(reason))).rejects.toBe(reason);
      late.reject(new Error('late'));
    });
    expect(seen).toStrictEqual([]);
  });
});
