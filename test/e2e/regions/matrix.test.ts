import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { fail, raw } from '../../emulators/bedrock/faults.ts';
import type { ChainOptions } from '../../emulators/chain.ts';
import { oneAtATime } from '../../support/one-at-a-time.ts';
import { DEADLINES_BY_HAND, thenPassDeadlines } from '../../support/worker-deadlines.ts';
import { type Break, breakIn, BREAKS, type Phase, PHASES } from '../fault-matrix/breaks.ts';
import { anthropic, eventStream, held, type Shape } from '../fault-matrix/shapes.ts';
import { type Misdeed, type Played, type Stage, startStage } from './stage.ts';

vi.setConfig({ maxConcurrency: 12 });

const SHAPES = [held, eventStream, anthropic];

/** Apps with one, two and three regions. */
let stages: readonly Stage[];
/** The same, in which silence is noticed when Bedrock has fallen silent, and not after a time. */
let attentive: readonly Stage[];

const startAll = (...options: [settings?: Record<string, string>, options?: ChainOptions]) =>
  Promise.all([1, 2, 3].map((count) => startStage(count, ...options)));

beforeAll(async () => {
  const settings = {
    UPSTREAM_HEADERS_TIMEOUT_SECONDS: '201',
    UPSTREAM_IDLE_TIMEOUT_SECONDS: '202',
    FIRST_BYTE_DEADLINE_SECONDS: '230',
  };
  [stages, attentive] = await Promise.all([startAll(), startAll(settings, { nodeArguments: DEADLINES_BY_HAND })]);
});
afterAll(async () => {
  await Promise.all([...stages, ...attentive].map(({ chain }) => chain.close()));
});

const throttled: Misdeed = () => fail(429, 'ThrottlingException', 'Slow down.');
const unavailable: Misdeed = () => fail(503, 'ServiceUnavailableException', 'Overloaded.');

/** Refusals of which AWS says that nothing was done, and that another time it may be. */
const REFUSALS: Readonly<Record<string, Misdeed>> = {
  ThrottlingException: throttled,
  ServiceUnavailableException: unavailable,
  ModelNotReadyException: () => fail(429, 'ModelNotReadyException', 'Not ready.'),
  'a 429 without a type': () =>
    raw('HTTP/1.1 429 X\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'),
};

/** Errors of a region that does not have what is called, or of a call that is wrong. */
const ABSENCES: Readonly<Record<string, Misdeed>> = {
  ValidationException: () => fail(400, 'ValidationException', 'The provided model identifier is invalid.'),
  AccessDeniedException: () => fail(403, 'AccessDeniedException', 'You may not.'),
  ResourceNotFoundException: () => fail(404, 'ResourceNotFoundException', 'No such model.'),
};

/** Errors after which a model may have worked. */
const WORKED: Readonly<Record<string, Misdeed>> = {
  InternalServerException: () => fail(500, 'InternalServerException', 'Oops.'),
  ModelTimeoutException: () => fail(408, 'ModelTimeoutException', 'Too slow.'),
  ModelErrorException: () => fail(424, 'ModelErrorException', 'It failed.'),
  'a 503 without a type': () =>
    raw('HTTP/1.1 503 X\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n'),
  'a 502': () => raw('HTTP/1.1 502 X\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n'),
};

const rowsOf = (misdeeds: Readonly<Record<string, Misdeed>>) =>
  Object.entries(misdeeds).flatMap(([name, misdeed]) => SHAPES.map((shape) => ({ name, misdeed, shape })));

/** What the caller, and whoever reads the record, must not be able to tell apart, however many regions were asked before. */
function seen({ ending, end: { attempts: _attempts, ...end }, paid, charged }: Played): object {
  return { ending, end, paid, charged };
}

function regionsOf({ record }: Played): object {
  return { region: record['region'], regionsTried: record['regionsTried'], attempts: record['attempts'] };
}

describe.concurrent('a region that may have worked is the last one that is asked', () => {
  interface Row {
    readonly name: string;
    readonly shape: Shape;
    readonly misdeed: Misdeed;
    readonly silent?: boolean;
  }
  const breaks = PHASES.flatMap((phase: Phase) =>
    (Object.keys(BREAKS) as Break[]).flatMap((how) =>
      SHAPES.filter((shape) => shape !== held || !/inside a|between|last/.test(phase)).map((shape): Row => ({
        name: `${phase}: ${how}`,
        shape,
        misdeed: (first) => breakIn(phase, how, first, shape.script),
        silent: how === 'silence',
      })),
    ),
  );

  /** Silence is noticed by all calls of a worker. */
  const alone = new Map<Stage, ReturnType<typeof oneAtATime>>();

  /** Plays that end with this misdeed. */
  function playsOf({ shape, misdeed, silent = false }: Row) {
    return async (stage: Stage | undefined, before: readonly Misdeed[] = []): Promise<Played> => {
      if (stage === undefined) throw new Error('no stage');
      if (!silent) return stage.play(shape, [...before, misdeed]);
      const wait = alone.get(stage) ?? oneAtATime();
      alone.set(stage, wait);
      const noticed: Misdeed = (first) => thenPassDeadlines(stage.chain.host, misdeed(first));
      return wait(() => stage.play(shape, [...before, noticed]));
    };
  }

  it.each<Row>([...breaks, ...rowsOf(WORKED), ...rowsOf(ABSENCES)])('$name of $shape.name', async (row) => {
    const [one, two, three] = row.silent === true ? attentive : stages;
    const play = playsOf(row);
    const only = await play(one);
    const first = await play(two);
    expect(seen(first)).toStrictEqual(seen(only));
    expect(first.sent).toStrictEqual([1, 0]);
    expect(regionsOf(first)).toStrictEqual({ region: 'us-east-1', regionsTried: undefined, attempts: 1 });
    if (Object.values(ABSENCES).includes(row.misdeed)) return;

    const second = await play(two, [throttled]);
    expect(seen(second)).toStrictEqual(seen(only));
    expect(second.sent).toStrictEqual([1, 1]);
    const asked = await play(three, [throttled]);
    expect(seen(asked)).toStrictEqual(seen(only));
    expect(asked.sent).toStrictEqual([1, 1, 0]);
    const third = await play(three, [throttled, unavailable]);
    expect(seen(third)).toStrictEqual(seen(only));
    expect(third.sent).toStrictEqual([1, 1, 1]);
    expect(regionsOf(third)).toStrictEqual({
      region: 'us-east-2',
      regionsTried: 'us-east-1,us-west-2,us-east-2',
      attempts: 3,
    });
  });
});

describe.concurrent('a region that refuses is followed by the next', () => {
  it.each(rowsOf(REFUSALS))('$name of $shape.name', async ({ shape, misdeed }) => {
    const [one, two, three] = stages;
    const good = await one?.play(shape);
    const refused = await one?.play(shape, [misdeed]);
    if (good === undefined || refused === undefined) throw new Error('no stage');
    expect(good).toMatchObject({ ending: 'complete', paid: 1, sent: [1] });
    expect(good.charged).toBeGreaterThan(0);
    expect(refused).toMatchObject({ paid: 0, charged: 0, sent: [1] });

    const served = await two?.play(shape, [misdeed]);
    expect(served && seen(served)).toStrictEqual(seen(good));
    expect(served?.sent).toStrictEqual([1, 1]);
    expect(served && regionsOf(served)).toStrictEqual({
      region: 'us-west-2',
      regionsTried: 'us-east-1,us-west-2',
      attempts: 2,
    });
    const last = await three?.play(shape, [misdeed, unavailable]);
    expect(last && seen(last)).toStrictEqual(seen(good));
    expect(last?.sent).toStrictEqual([1, 1, 1]);

    const nowhere = await three?.play(shape, [misdeed, throttled, unavailable]);
    expect(nowhere && seen(nowhere)).toStrictEqual(seen(refused));
    expect(nowhere?.sent).toStrictEqual([1, 1, 1]);
    expect(nowhere && regionsOf(nowhere)).toMatchObject({ region: 'us-east-1', attempts: 3 });
  });

  it.each(rowsOf(ABSENCES))('and what the next does not have is not told: $name of $shape.name', async (row) => {
    const [one, two, three] = stages;
    const refused = await one?.play(row.shape, [throttled]);
    const good = await one?.play(row.shape);
    if (good === undefined || refused === undefined) throw new Error('no stage');
    const second = await two?.play(row.shape, [throttled, row.misdeed]);
    expect(second && seen(second)).toStrictEqual(seen(refused));
    expect(second?.sent).toStrictEqual([1, 1]);
    const third = await three?.play(row.shape, [throttled, row.misdeed]);
    expect(third && seen(third)).toStrictEqual(seen(good));
    expect(third?.sent).toStrictEqual([1, 1, 1]);
  });
});
