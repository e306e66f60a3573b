import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** The calls that the host is answering. */
export interface OpenCalls {
  add(response: ServerResponse): void;
  /** Resolves when all have ended; those that have not after so many milliseconds are cut. */
  end(milliseconds: number): Promise<void>;
}

export function trackOpenCalls(): OpenCalls {
  const open = new Set<ServerResponse>();
  let onLast: (() => void) | undefined;
  return {
    add(response) {
      open.add(response);
      response.once('close', () => {
        open.delete(response);
        if (open.size === 0) onLast?.();
      });
    },
    async end(milliseconds) {
      if (open.size === 0) return;
      const last = new Promise<void>((resolve) => {
        onLast = resolve;
      });
      await Promise.race([last, sleep(milliseconds, undefined, { ref: false })]);
      for (const response of open) response.destroy();
      await last;
    },
  };
}
