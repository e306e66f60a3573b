import { bounded } from '../bounded.ts';
import type { Clock } from '../clock.ts';
import type { Account } from './account.ts';
import type { Attempts } from './attempts.ts';
import type { BudgetStore } from './store.ts';

/** Reads the closed hours of accounts, in the background and apart from the latest ones, which never wait for them. */
export interface Paging {
  /**
   * Reads what an account lacks of them. When it lacks nothing, and they are only read once more: the next page, if its
   * time has come. Settles when nothing is lacking, or a page has failed. Never rejects.
   */
  read(account: Account): Promise<void>;
  /** Whether hours are lacking, and for so long, at least, all pages have failed. */
  isLost(account: Account, milliseconds: number): boolean;
}

/** Pages at a time, of all accounts. */
const MOST_AT_A_TIME = 4;

/**
 * Between two pages of hours that are read once more. All instances that serve an account are at it after the turn of the
 * hour, and its partition, which gives 2,000 rows a second, has to serve the latest hours besides. In an hour it is 80 pages.
 */
export const AGAIN_MS = 45_000;

interface State {
  readonly attempts: Attempts;
  /** Before it, nothing that has failed is tried again, and nothing is read once more. */
  nextAt: number;
  reading: Promise<void> | undefined;
}

/** @param pageMs bound for a page */
export function createPaging(store: BudgetStore, clock: Clock, pageMs: number, newAttempts: () => Attempts): Paging {
  const states = new WeakMap<Account, State>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const stateOf = (account: Account): State => {
    let state = states.get(account);
    if (state === undefined) {
      state = { attempts: newAttempts(), nextAt: clock.now(), reading: undefined };
      states.set(account, state);
    }
    return state;
  };
  const inTurn = async <T>(task: () => Promise<T>): Promise<T> => {
    if (running < MOST_AT_A_TIME) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
  const readPages = async (account: Account, state: State): Promise<void> => {
    const { key, closed } = account;
    do {
      const range = closed.next();
      if (range === undefined) return;
      try {
        const page = await inTurn(() => bounded((signal) => store.read(key, range, signal), pageMs, clock));
        closed.take(range, page);
        state.attempts.succeeded();
        state.nextAt = clock.now() + AGAIN_MS;
      } catch (error) {
        const pauseMs = state.attempts.failed(error);
        state.nextAt = clock.now() + pauseMs;
        if (!closed.isWhole()) clock.after(pauseMs, () => void read(account));
        return;
      }
    } while (!closed.isWhole());
  };
  const read = async (account: Account): Promise<void> => {
    const state = stateOf(account);
    const mayWait = account.closed.isWhole() || state.attempts.isFailing();
    if (state.reading === undefined && mayWait && clock.now() < state.nextAt) return;
    state.reading ??= readPages(account, state).finally(() => (state.reading = undefined));
    await state.reading;
  };

  return {
    read,
    isLost: (account, milliseconds) => !account.closed.isWhole() && stateOf(account).attempts.isLost(milliseconds),
  };
}
