/** A callback that is to come. */
export interface Timer {
  cancel(): void;
}

/** Time, wherever it decides something; a parameter, so that tests need not wait for it. */
export interface Clock {
  /** Milliseconds since any moment; never set back. */
  now(): number;
  /** Calls back once, so many milliseconds from now. */
  after(milliseconds: number, callback: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timeout = setTimeout(callback, milliseconds);
    return { cancel: () => clearTimeout(timeout) };
  },
};
