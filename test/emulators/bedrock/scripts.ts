import type { ReceivedRequest, Responder } from './received-request.ts';

/** Which requests a scripted answer is for. */
export interface ScriptOptions {
  /** How many of them; 1 by default. */
  readonly times?: number;
  readonly when?: (request: ReceivedRequest) => boolean;
}

/** Scripted answers, in the order they were added. */
export interface Scripts {
  add(next: Responder, options?: ScriptOptions): void;
  /** The first script that fits `request`; used up once by this. */
  take(request: ReceivedRequest): Responder | undefined;
  clear(): void;
}

/** No scripts yet. */
export function scriptQueue(): Scripts {
  let scripts: { readonly next: Responder; readonly when: (request: ReceivedRequest) => boolean; times: number }[] = [];
  return {
    add: (next, { times = 1, when = () => true } = {}) => void scripts.push({ next, when, times }),
    take(request) {
      const script = scripts.find(({ when }) => when(request));
      if (script === undefined) return undefined;
      script.times -= 1;
      scripts = scripts.filter(({ times }) => times > 0);
      return script.next;
    },
    clear: () => {
      scripts = [];
    },
  };
}
