import { bounded } from '../bounded.ts';
import type { Clock, Timer } from '../clock.ts';
import type { Account, OwnRow } from './account.ts';
import { type Attempts, createAttempts } from './attempts.ts';
import { hourAfter, hourBefore, type Windows } from './calendar.ts';
import { createPaging } from './paging.ts';
import { type BudgetStore, readAll } from './store.ts';

/** Keeps accounts and the store at one, in the background: no call to Bedrock waits for it, and it never throws. */
export interface Sync {
  /** There was a call of this account: at once if nothing has been read of it yet, else when its time has come. */
  touch(account: Account): void;
  /**
   * Somebody asks how an account stands: an exchange now, unless there was one just now, or the store fails. Settles when
   * it has ended and all of the month is known, or has taken too long. Never rejects.
   */
  refresh(account: Account): Promise<void>;
  /**
   * Whether all exchanges with the store have failed for this account, for so long at least; or all pages of its month, of
   * which something is lacking.
   */
  isLost(account: Account, milliseconds: number): boolean;
  /** Writes what the store does not have yet. */
  flush(): Promise<void>;
}

export interface SyncOptions {
  readonly store: BudgetStore;
  readonly windows: () => Windows;
  readonly clock: Clock;
  /** Milliseconds between two exchanges for an account that is called; default `SYNC_MS`. */
  readonly syncMs?: number;
  /** Told of the first failure in a row of an account, one a minute for all of them, and of every tenth. */
  readonly onFailure: (error: unknown, failures: number) => void;
}

/** Time between two exchanges with the store for an account that is called. */
export const SYNC_MS = 5000;

/** Bound for one exchange, which is about the latest hours, and for a page of earlier ones. */
export const TIMEOUT_MS = 5000;

/** Who asks how an account stands causes no more exchanges than one in this time, and waits for it no longer than that. */
const REFRESH_MS = 1000;
const REFRESH_WAIT_MS = 2000;

/** Exchanges at a time: their connections. */
const MOST_AT_A_TIME = 8;

interface State {
  touched: boolean;
  scheduled: boolean;
  /** Until the next exchange, while it is only scheduled. */
  timer: Timer | undefined;
  readonly waiting: (() => void)[];
  /** When the last exchange began or, after a failure, may begin again. */
  nextAt: number;
  readonly attempts: Attempts;
  /** The exchange under way. */
  exchange: Promise<void> | undefined;
}

export function createSync({ store, windows, clock, syncMs = SYNC_MS, onFailure }: SyncOptions): Sync {
  const states = new WeakMap<Account, State>();
  const scheduled = new Set<Account>();
  const due: Account[] = [];
  const newAttempts = createAttempts(clock, onFailure);
  const paging = createPaging(store, clock, TIMEOUT_MS, newAttempts);
  let running = 0;

  const stateOf = (account: Account): State => {
    let state = states.get(account);
    if (state === undefined) {
      state = {
        touched: false,
        scheduled: false,
        timer: undefined,
        waiting: [],
        nextAt: clock.now(),
        attempts: newAttempts(),
        exchange: undefined,
      };
      states.set(account, state);
    }
    return state;
  };
  const schedule = (account: Account, state: State) => {
    state.scheduled = true;
    scheduled.add(account);
    state.timer = clock.after(Math.max(0, state.nextAt - clock.now()), () => runNow(account, state));
  };
  const runNow = (account: Account, state: State) => {
    state.timer?.cancel();
    state.timer = undefined;
    due.push(account);
    runDue();
  };
  const runDue = () => {
    while (running < MOST_AT_A_TIME) {
      const account = due.shift();
      if (account === undefined) return;
      running += 1;
      void run(account).finally(() => {
        running -= 1;
        runDue();
      });
    }
  };
  const run = async (account: Account): Promise<void> => {
    const state = stateOf(account);
    state.touched = false;
    state.nextAt = clock.now() + syncMs;
    let known: Promise<void> | undefined;
    try {
      state.exchange = boundedExchange(account);
      await state.exchange;
      state.attempts.succeeded();
      known = paging.read(account);
    } catch (error) {
      Object.assign(state, { touched: true, nextAt: clock.now() + state.attempts.failed(error) });
    }
    state.scheduled = false;
    state.exchange = undefined;
    scheduled.delete(account);
    const waiting = state.waiting.splice(0);
    void Promise.resolve(known).then(() => waiting.forEach((resolve) => resolve()));
    if (state.touched || account.changed().length > 0) schedule(account, state);
  };
  const boundedExchange = (account: Account) => bounded((signal) => exchange(account, signal), TIMEOUT_MS, clock);
  // One that was given up may go on, and must change nothing here any more.
  const exchange = async (account: Account, signal: AbortSignal): Promise<void> => {
    const refused = await writeAll(account.changed(), signal);
    const [readAt, readIn] = [clock.now(), windows()];
    const latest = hourBefore(readIn.hour);
    const late = refused.filter(({ hour }) => hour < latest);
    const ranges = [{ after: latest }, ...late.map(({ hour }) => ({ after: hour, before: hourAfter(hour) }))];
    const rows = await Promise.all(ranges.map((range) => readAll(store, account.key, range, signal)));
    // A row of ours that is not there is one to be made; of one that is, `take` keeps the version.
    for (const row of refused) row.etag = undefined;
    account.take(rows.flat(), readIn, readAt);
    await writeAll(refused, signal);
  };
  /** @returns the rows of which the store has another version */
  const writeAll = async (rows: readonly OwnRow[], signal: AbortSignal): Promise<OwnRow[]> => {
    const refused: OwnRow[] = [];
    for (const row of rows) {
      // Calls go on meanwhile.
      const amounts = { ...row.amounts };
      const etag = await store.write({ ...row, amounts }, row.etag, signal);
      signal.throwIfAborted();
      if (etag === undefined) refused.push(row);
      else Object.assign(row, { etag, writtenCalls: amounts.calls });
    }
    return refused;
  };

  return {
    touch(account) {
      const state = stateOf(account);
      state.touched = true;
      if (!state.scheduled) schedule(account, state);
    },
    async refresh(account) {
      const state = stateOf(account);
      const isRecent = clock.now() - (state.nextAt - syncMs) < REFRESH_MS;
      if (state.attempts.isFailing() || (isRecent && state.exchange === undefined)) return;
      if (!state.scheduled) schedule(account, state);
      // One that is due already comes by itself.
      if (state.timer !== undefined) runNow(account, state);
      const { promise, resolve } = Promise.withResolvers<void>();
      state.waiting.push(resolve);
      const timer = clock.after(REFRESH_WAIT_MS, resolve);
      await promise;
      timer.cancel();
    },
    isLost: (account, milliseconds) =>
      stateOf(account).attempts.isLost(milliseconds) || paging.isLost(account, milliseconds),
    async flush() {
      const accounts = Array.from(scheduled);
      // After the exchange under way, whose version of a row would be another one.
      await Promise.allSettled(accounts.map((account) => stateOf(account).exchange));
      const waiting = accounts.filter((account) => account.changed().length > 0);
      await Promise.allSettled(waiting.map(boundedExchange));
    },
  };
}
