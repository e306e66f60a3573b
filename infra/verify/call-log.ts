import { type Answer, invocationId } from './answer.ts';

/** A call of this run that has reached the function, which therefore has a record of it. */
export interface LoggedCall {
  /** Id of the invocation: `requestId` of the record. */
  readonly id: string;
  /** The model that it was for, decoded. */
  readonly modelId?: string;
  readonly status: number;
  /** Whether a model has answered, which takes tokens. */
  readonly hasTokens: boolean;
}

/** The calls of this run, for the check that looks for their records. */
export interface CallLog {
  readonly calls: readonly LoggedCall[];
  /** @param question for which model, if any */
  answered(question: { readonly modelId?: string }, answer: Answer): void;
}

export function createCallLog(): CallLog {
  const calls: LoggedCall[] = [];
  return {
    calls,
    answered({ modelId }, answer) {
      const id = invocationId(answer);
      if (id === undefined) return;
      const { status } = answer;
      calls.push({ id, status, hasTokens: modelId !== undefined && status === 200, ...(modelId && { modelId }) });
    },
  };
}
