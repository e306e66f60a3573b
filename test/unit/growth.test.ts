import { describe, expect, it } from 'vitest';

import { HOSTILE_BODIES, HOSTILE_HEADS, HOSTILE_STREAMS } from '../support/hostile-inputs.ts';

/**
 * What a caller can make the event loop do: each reader with the worst input of its class, at one size and at eight times
 * that. Something quadratic takes 64 times as long then, something linear eight times.
 */

/** Least processor time of many runs, in microseconds: what others do on the machine only adds to it. */
async function cost(read: () => unknown): Promise<number> {
  let least = Infinity;
  let all = 0;
  // What takes much longer than the shares of others need not be repeated as often.
  for (let round = 0; round < 12 && all < 500_000; round += 1) {
    const before = process.cpuUsage();
    let runs = 0;
    let spent = 0;
    // The clock of the processor ticks in milliseconds on some systems.
    while (spent < 4000) {
      try {
        await read();
      } catch {
        // Refused.
      }
      runs += 1;
      const { user, system } = process.cpuUsage(before);
      spent = user + system;
    }
    all += spent;
    least = Math.min(least, spent / runs);
  }
  return least;
}

describe('eight times the bytes take about eight times as long, or are refused at once', () => {
  it.each([...HOSTILE_HEADS, ...HOSTILE_BODIES, ...HOSTILE_STREAMS])('%s', async (_name, bytes, prepare) => {
    const [once, eightTimes] = [prepare(bytes), prepare(8 * bytes)];
    await cost(once);
    // The bound is between eight and sixty-four.
    expect((await cost(eightTimes)) / (await cost(once))).toBeLessThan(24);
  });
});
