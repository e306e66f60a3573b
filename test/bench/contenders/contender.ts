import type { Target } from '../load.ts';

/** Of the process that forwards, without the host before it. */
export interface Usage {
  /** Resident memory in bytes. */
  readonly rss: number;
  /** JavaScript heap in use, in bytes; absent outside Node. */
  readonly heapUsed?: number;
  /** Processor time since the start of the process, where the system tells it. */
  readonly cpuMicroseconds?: number;
}

/** A way from the client to the upstream, running. */
export interface Contender {
  readonly target: Target;
  /** Undefined where nothing is between client and upstream. */
  usage(): Promise<Usage | undefined>;
  /** Frees what is not in use, so that memory can be compared. */
  collectGarbage(): Promise<void>;
  close(): Promise<void>;
}

/** This machine cannot run the contender; the message says why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** Starts a contender before this upstream. @throws Unavailable */
export type StartContender = (upstream: string) => Promise<Contender>;
