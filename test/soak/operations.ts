import type { OperationGroup } from '../../src/bedrock/groups.ts';

/** How an answer comes: whole, as frames of `application/vnd.amazon.eventstream`, or as server-sent events. */
export type Shape = 'plain' | 'frames' | 'events';

/** A call of an operation, as a caller makes it. */
export interface Operation {
  readonly name: string;
  readonly group: OperationGroup;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Body of the call with this number: each of a round of 61 has tokens of its own. Absent: none. */
  readonly body?: (number: number) => string;
  readonly shape: Shape;
  /** Of a good answer; default 200. */
  readonly status?: number;
  /** What only the last message of a complete stream holds. */
  readonly last?: string;
  /** Exception by which a stream of frames tells that it broke. */
  readonly exception?: string;
  /** Whether budgets are asked: `told` where its answers tell their tokens. */
  readonly spends?: 'told' | 'untold';
  /** Whether its model has a price, so that a team with a budget in money may call it. */
  readonly priced?: boolean;
}
