/** What a counter has been raised by, and when: milliseconds since 1970. */
export interface Increment {
  readonly at: number;
  readonly count: number;
}

/** Counters by the value of `counter-key`, which belongs to the whole gateway: policies of all scopes share it. */
export type Counters = Map<string, readonly Increment[]>;
