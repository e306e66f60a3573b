import type { Clock, Timer } from '../clock.ts';

/** Notices that nothing is heard for too long. */
export interface SilenceTimer {
  /** From now on, so many milliseconds without a sound are too long. */
  expect(milliseconds: number, message: string): void;
  heard(): void;
  stop(): void;
}

/**
 * @param isPaused whether nothing can be heard now, because nobody listens: such time does not count
 * @param onSilence called once, with the message of what was expected
 */
export function createSilenceTimer(
  clock: Clock,
  isPaused: () => boolean,
  onSilence: (message: string) => void,
): SilenceTimer {
  let timer: Timer | undefined;
  return {
    expect(milliseconds, message) {
      timer?.cancel();
      const waiting = clock.after(milliseconds, () => {
        if (isPaused()) waiting.restart();
        else onSilence(message);
      });
      timer = waiting;
    },
    heard: () => timer?.restart(),
    stop: () => timer?.cancel(),
  };
}
