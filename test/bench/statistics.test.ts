import { describe, expect, it } from 'vitest';

import { compareRounds } from './compare.ts';
import { figuresOf, figuresOfWatches, type Turn } from './figures.ts';
import { inRounds } from './plan.ts';
import { spreadOf } from './statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the interval of a median', () => {
  // Of the binomial distribution: of nine values the second and the eighth, with 96 %, since with the third and the
  // seventh it were 82 %.
  it.each([
    [1, 1, 1],
    [5, 1, 5],
    [6, 1, 6],
    [8, 1, 8],
    [9, 2, 8],
    [12, 3, 10],
    [16, 4, 13],
  ])('of %i values is from the one at %i to the one at %i', (count, low, high) => {
    expect(spreadOf(upTo(count))).toMatchObject({ count, low, high, median: (count + 1) / 2 });
  });
});

describe('a comparison', () => {
  const ones = [{ p50: 11 }, { p50: 22 }, { p50: 36 }];
  const others = [{ p50: 10 }, { p50: 20 }, { p50: 30 }, { p50: 40 }];

  it('is of the rounds that both have, each by itself', () => {
    expect(compareRounds(ones, others, 'p50', 'difference')).toMatchObject({ median: 2, low: 1, high: 6, count: 3 });
  });

  it('is off by a share of the ratio', () => {
    const comparison = compareRounds(ones, others, 'p50', 'ratio');
    expect(comparison?.median).toBeCloseTo(1.1);
    expect(comparison?.uncertainty).toBeCloseTo(0.1 / 2 / 1.1);
  });

  it('is off by a share of what the other side shows', () => {
    expect(compareRounds(ones, others, 'p50', 'difference')?.uncertainty).toBeCloseTo(5 / 2 / 20);
  });
});

describe('the figures of a round', () => {
  const turn = (requests: number, seconds: number, p50: number, cpuMicroseconds: number): Turn => ({
    load: { requests, seconds, p50, answerBytes: 0, p95: 0, p99: 0, firstByte: 0, gap: 0, gap99: 0 },
    cpuMicroseconds,
  });

  it('are sums over sums, and medians of times', () => {
    const turns = [turn(100, 1, 5, 1000), turn(100, 1, 7, 1000), turn(100, 2, 900, 7000)];
    expect(figuresOf(turns, { promptLength: 0 })).toMatchObject({
      requestsPerSecond: 75,
      cpuMicrosecondsPerRequest: 30,
      p50: 7,
    });
  });

  it('count the events of streams', () => {
    const watches = [
      { events: 90, milliseconds: 10, cpuMicroseconds: 900 },
      { events: 10, milliseconds: 10, cpuMicroseconds: 1100 },
    ];
    expect(figuresOfWatches(watches)).toStrictEqual({ cpuMicrosecondsPerEvent: 20, coreShare: 0.1 });
  });
});

describe('rounds', () => {
  const count = async (milliseconds: number, preciseAfter: number) => {
    const done: number[] = [];
    const precise = () => done.length >= preciseAfter;
    await inRounds({ least: 3, most: 9, milliseconds }, async (index) => done.push(index), precise);
    return done.length;
  };

  it.each([
    ['as few as may be', Infinity, 0, 3],
    ['until it is precise', Infinity, 5, 5],
    ['as many as may be', Infinity, 99, 9],
    ['until the time is up', 0, 99, 3],
  ])('are %s', async (_title, milliseconds, preciseAfter, expected) => {
    expect(await count(milliseconds, preciseAfter)).toBe(expected);
  });
});
