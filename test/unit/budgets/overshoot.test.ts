import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { manualClock } from '../../support/manual-clock.ts';
import { rowsUnder } from '../../support/markdown.ts';
import { root } from '../../support/root.ts';
import { instance, NOVA } from './instances.ts';
import { memoryStore } from './memory-store.ts';

const WORKERS = 20;
const CALL_MS = 4000;
const TOKENS = 1000;
const STEP_MS = 100;
/** After a refusal; a worker that has refused never admits again, as the sum it knows of does not shrink. */
const AGAIN_MS = 1000;
const SECONDS_TO_LIMIT = 60;

/** How many calls beyond a budget are made when so many are in flight all the time, all of one subscription. */
async function excess(inFlight: number, syncMs: number): Promise<number> {
  const [clock, store] = [manualClock(), memoryStore()];
  const limit = (TOKENS * inFlight * SECONDS_TO_LIMIT * 1000) / CALL_MS;
  const workers = Array.from({ length: WORKERS }, (_, index) =>
    instance({ budgets: `tokens/month=${limit}`, clock, store, syncMs, instance: `w${index}` }),
  );
  type Running = { readonly call?: ReturnType<(typeof workers)[number]['admit']>; readonly endsAt: number };
  const lanes: (Running | undefined)[] = Array.from({ length: inFlight }, () => undefined);
  let used = 0;
  const start = clock.now();
  const begin = (lane: number): Running | undefined => {
    const worker = workers[lane % WORKERS];
    // Each lane begins at a time of its own, so that neither calls nor exchanges come all at once.
    if (worker === undefined || clock.now() - start < (lane * CALL_MS) / inFlight) return undefined;
    try {
      return { call: worker.admit({ subscriptionId: 'a' }, undefined), endsAt: clock.now() + CALL_MS };
    } catch {
      return { endsAt: clock.now() + AGAIN_MS };
    }
  };
  for (let time = 0; time < 2 * SECONDS_TO_LIMIT * 1000; time += STEP_MS) {
    for (const [lane, running] of lanes.entries()) {
      if (running !== undefined && clock.now() < running.endsAt) continue;
      if (running?.call !== undefined) {
        running.call.charge({ inputTokens: TOKENS }, NOVA);
        used += TOKENS;
      }
      lanes[lane] = begin(lane);
    }
    await clock.pass(STEP_MS);
  }
  expect(lanes.every((running) => running !== undefined && running.call === undefined)).toBe(true);
  return (used - limit) / TOKENS;
}

const SYNC_SECONDS = [1, 2, 5, 10];
const IN_FLIGHT = [20, 100, 400];
const readme = await readFile(join(root, 'src/budgets/README.md'), 'utf8');
const told = rowsUnder(readme, 'calls in flight');

it('the document has a row for each number of calls in flight', () => {
  expect(told.map(([inFlight, ...row]) => [inFlight, row.length])).toStrictEqual(
    IN_FLIGHT.map((inFlight) => [String(inFlight), SYNC_SECONDS.length]),
  );
});

const CASES = IN_FLIGHT.flatMap((inFlight, row) =>
  SYNC_SECONDS.map((seconds, column) => ({ inFlight, seconds, expected: told[row]?.[column + 1] })),
);

it.each(CASES)(
  '$inFlight in flight, $seconds s between readings: $expected',
  async ({ inFlight, seconds, expected }) => {
    const beyond = await excess(inFlight, 1000 * seconds);
    expect(beyond).toBeGreaterThan(0);
    // In flight when it was used up; those that began in two times the time between readings; and one on each worker that
    // has had no call, and so no reading, since.
    const bound = inFlight + (2 * seconds * 1000 * inFlight) / CALL_MS + WORKERS;
    expect(beyond).toBeLessThanOrEqual(bound);
    expect(`${beyond} of at most ${bound}`).toBe(expected);
  },
);
