import {
  BUSY_INTERVAL_MS,
  EVENT_INTERVAL_MS,
  EVENTS,
  EVENTS_BYTES,
  FLOOD_BYTES,
  SLOW_INTERVAL_MS,
  SMALL_ANSWER,
} from './answers.ts';

/** The answers that the upstream has, each under a model id of its own. */
export type ModelId = 'bench.small' | 'bench.events' | 'bench.flood' | 'bench.slow' | 'bench.busy';

/** A kind of call, made again and again. */
export interface Work {
  readonly title: string;
  readonly model: ModelId;
  readonly concurrency: number;
  /** Characters of the prompt. */
  readonly promptLength: number;
  /** Length of the answer; undefined where there is no end to it. */
  readonly answerBytes: number | undefined;
  /** A turn at it takes so many times as long as one at small calls; absent: as long. */
  readonly turnFactor?: number;
  /** Of streams that are opened and watched: time between two events of one. */
  readonly intervalMs?: number;
}

const small = {
  model: 'bench.small',
  promptLength: 600,
  answerBytes: SMALL_ANSWER.length,
} as const satisfies Partial<Work>;

const MEGABYTE = 1_000_000;

/**
 * Works whose figures are taken in a closed loop, as many calls at a time as `concurrency` says, one after another; but for
 * the last, whose streams are opened and then watched.
 */
export const WORKS = {
  small1: { ...small, title: 'small Converse, 1 at a time', concurrency: 1 },
  small20: { ...small, title: 'small Converse, 20 at a time', concurrency: 20 },
  small100: { ...small, title: 'small Converse, 100 at a time', concurrency: 100 },
  upload1: { ...small, title: 'request of 1 MB', concurrency: 1, promptLength: MEGABYTE },
  upload20: { ...small, title: 'request of 20 MB', concurrency: 1, promptLength: 20 * MEGABYTE, turnFactor: 2 },
  events: {
    title: `stream of ${EVENTS.length} events, ${EVENT_INTERVAL_MS} ms apart`,
    model: 'bench.events',
    concurrency: 1,
    promptLength: 600,
    answerBytes: EVENTS_BYTES,
    turnFactor: 3,
  },
  flood: {
    title: 'stream of 50 MB',
    model: 'bench.flood',
    concurrency: 1,
    promptLength: 600,
    answerBytes: FLOOD_BYTES,
    turnFactor: 2,
  },
  busy: {
    title: '100 busy streams, 50 events a second each',
    model: 'bench.busy',
    concurrency: 100,
    promptLength: 600,
    answerBytes: undefined,
    intervalMs: BUSY_INTERVAL_MS,
  },
} as const satisfies Record<string, Work>;

export type WorkName = keyof typeof WORKS;
export const WORK_NAMES = Object.keys(WORKS) as WorkName[];

/** Streams that tell what a stream weighs: many that hardly say anything, and busy ones, as models write them. */
export const HELD_STREAMS = {
  slow: {
    title: '500 slow streams, 2 events a second each',
    model: 'bench.slow',
    concurrency: 500,
    promptLength: 600,
    answerBytes: undefined,
    intervalMs: SLOW_INTERVAL_MS,
  },
  busy: WORKS.busy,
} as const satisfies Record<string, Work>;

export type HeldStreamsName = keyof typeof HELD_STREAMS;
export const HELD_STREAMS_NAMES = Object.keys(HELD_STREAMS) as HeldStreamsName[];

/** The language a contender speaks to its clients: Bedrock's own, or OpenAI's, which it translates. */
export type Dialect = 'bedrock' | 'openai';

/** A call as it is sent. */
export interface Call {
  readonly path: string;
  readonly body: Buffer;
}

export function callOf({ model, promptLength }: Work, dialect: Dialect): Call {
  const prompt = 'word '.repeat(promptLength / 5);
  const stream = model !== 'bench.small';
  if (dialect === 'openai') {
    const body = { model, messages: [{ role: 'user', content: prompt }], stream };
    return { path: '/v1/chat/completions', body: Buffer.from(JSON.stringify(body)) };
  }
  const body = { messages: [{ role: 'user', content: [{ text: prompt }] }], inferenceConfig: { maxTokens: 512 } };
  return { path: `/model/${model}/converse${stream ? '-stream' : ''}`, body: Buffer.from(JSON.stringify(body)) };
}
