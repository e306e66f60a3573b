/** How long a run takes. Times in milliseconds. */
export interface Plan {
  /** Each with fresh processes, since two of the same program differ for as long as they live. */
  readonly rounds: Bounds;
  /** Rounds in which contenders take part of whom it is enough to know about how fast they are. */
  readonly otherRounds: number;
  /**
   * Small calls of a fresh process before it is measured: some thousands compile what they run through, and cost several
   * times as much.
   */
  readonly warmUpCalls: number;
  /** In each round the contenders take so many turns at a work, one after another. */
  readonly slices: number;
  /** Of a work whose calls are short. */
  readonly sliceMs: number;
  /** How long open streams are watched. */
  readonly streamsMs: number;
  /** Share of the streams that are opened. */
  readonly streamShare: number;
  readonly memory: Bounds;
  readonly teams: Bounds;
  /** Calls of each subscription before they are measured. */
  readonly teamCalls: number;
  /** Fresh processes for each kind of start. */
  readonly starts: number;
  readonly stallRounds: number;
  /** Half the width of an interval, as a share: what is known so well is not measured on. */
  readonly precision: number;
}

/** Of rounds that go on until what they tell is precise enough. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
  /** No round begins later. */
  readonly milliseconds: number;
}

/** Half an hour, on a slow machine. */
export const FULL: Plan = {
  rounds: { least: 6, most: 16, milliseconds: 420_000 },
  otherRounds: 3,
  warmUpCalls: 8000,
  slices: 5,
  sliceMs: 200,
  streamsMs: 1000,
  streamShare: 1,
  memory: { least: 5, most: 8, milliseconds: 90_000 },
  teams: { least: 6, most: 12, milliseconds: 190_000 },
  teamCalls: 25,
  starts: 11,
  stallRounds: 6,
  precision: 0.03,
};

/** Two minutes; for a look, not for figures to quote. */
export const QUICK: Plan = {
  rounds: { least: 2, most: 2, milliseconds: 60_000 },
  otherRounds: 1,
  warmUpCalls: 2000,
  slices: 3,
  sliceMs: 150,
  streamsMs: 700,
  streamShare: 1,
  memory: { least: 1, most: 1, milliseconds: 0 },
  teams: { least: 1, most: 1, milliseconds: 0 },
  teamCalls: 10,
  starts: 3,
  stallRounds: 2,
  precision: 0.03,
};

/** So little that it only shows that everything runs. */
export const TINY: Plan = {
  ...QUICK,
  rounds: { least: 1, most: 1, milliseconds: 0 },
  warmUpCalls: 20,
  teamCalls: 1,
  slices: 1,
  sliceMs: 10,
  streamsMs: 50,
  streamShare: 0.05,
  starts: 1,
  stallRounds: 1,
};

/** Does it at least so often, and no oftener, and in between until it is precise enough or the time is up. */
export async function inRounds(
  { least, most, milliseconds }: Bounds,
  round: (index: number) => Promise<unknown>,
  precise: () => boolean,
): Promise<void> {
  const startedAt = performance.now();
  for (let index = 0; index < most; index += 1) {
    if (index >= least && (precise() || performance.now() - startedAt >= milliseconds)) return;
    await round(index);
  }
}
