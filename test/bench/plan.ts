/** How long a run takes. Times in milliseconds. */
export interface Plan {
  /** Every contender does every work once a round. */
  readonly rounds: number;
  /** Once for each contender at the start, for the compiler and the caches. */
  readonly firstWarmUpMs: number;
  /** Before each measurement, for the connections. */
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Fresh processes for the cost of many streams. */
  readonly streamRounds: number;
  /** How long the streams are watched. */
  readonly streamsMs: number;
  /** Fresh processes for each kind of start. */
  readonly starts: number;
}

export const FULL: Plan = {
  rounds: 15,
  firstWarmUpMs: 8000,
  warmUpMs: 300,
  measureMs: 1000,
  streamRounds: 3,
  streamsMs: 4000,
  starts: 11,
};

/** Three minutes; for a look, not for figures to quote. */
export const QUICK: Plan = {
  rounds: 2,
  firstWarmUpMs: 1000,
  warmUpMs: 150,
  measureMs: 500,
  streamRounds: 1,
  streamsMs: 1500,
  starts: 3,
};
