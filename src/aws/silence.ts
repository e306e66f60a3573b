import type { Clock, Timer } from '../clock.ts';

/** Notices that nothing is heard for too long. */
export interface SilenceTimer {
  /** From now on, so many milliseconds without a sound are too long. */
  expect(milliseconds: number, message: string): void;
  heard(): void;
  stop(): void;
}

/**
 * A sound only notes its time, and a later end does not move the timer: that is looked at when it comes, since it would be
 * set anew for each event of a stream otherwise.
 *
 * @param isPaused whether nothing can be heard now, because nobody listens: such time does not count
 * @param onSilence called once, with the message of what was expected
 */
export function createSilenceTimer(
  clock: Clock,
  isPaused: () => boolean,
  onSilence: (message: string) => void,
): SilenceTimer {
  let timer: Timer | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let heardAt = 0;
  let limitMs = 0;
  let expected = '';
  const heard = () => {
    heardAt = clock.now();
  };
  const wait = (milliseconds: number) => {
    dueAt = clock.now() + milliseconds;
    timer = clock.after(milliseconds, () => {
      const leftMs = isPaused() ? limitMs : heardAt + limitMs - clock.now();
      if (leftMs > 0) wait(leftMs);
      else onSilence(expected);
    });
  };
  return {
    expect(milliseconds, message) {
      limitMs = milliseconds;
      expected = message;
      heard();
      if (heardAt + limitMs >= dueAt) return;
      timer?.cancel();
      wait(limitMs);
    },
    heard,
    stop: () => timer?.cancel(),
  };
}
