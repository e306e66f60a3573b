import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { whenClosed } from './http/invocation.ts';

/** The answers under way, for which the end of the worker should wait. */
export interface AnswersUnderWay {
  /** Counts an answer in until its connection is done with it. */
  add(response: ServerResponse): void;
  /** Resolves when all answers have ended, their records included, or when `milliseconds` have passed. */
  ended(milliseconds: number): Promise<void>;
}

/** Keeps account of the answers under way. The worker gets no new ones once the host has asked it to end. */
export function trackAnswers(): AnswersUnderWay {
  let underWay = 0;
  let onLast: (() => void) | undefined;
  return {
    add(response) {
      underWay += 1;
      whenClosed(response, () => {
        underWay -= 1;
        if (underWay === 0) onLast?.();
      });
    },
    async ended(milliseconds) {
      if (underWay === 0) return;
      const last = new Promise<void>((resolve) => {
        onLast = resolve;
      });
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })]);
    },
  };
}
