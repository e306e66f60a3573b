import { type Dispatcher, Pool } from 'undici';

import { percentile } from './statistics.ts';
import { callOf, type Dialect, type Work } from './works.ts';

/** Whom to call, and how. */
export interface Target {
  readonly origin: string;
  readonly dialect: Dialect;
  readonly headers: Readonly<Record<string, string>>;
  /** So many call in turn, as the gateway names them; absent: nobody is named. */
  readonly subscriptions?: number;
}

/** Times in milliseconds from the sending of a request; `gap` is the time between two pieces of an answer. */
export interface LoadFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly answerBytes: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly firstByte: number;
  readonly gap: number;
  readonly gap99: number;
}

/** A client with its connections. */
export interface Load {
  /** Calls for at least so long, and each caller at least once. Rejects at the first call that is not answered as expected. */
  run(milliseconds: number): Promise<LoadFigures>;
  /** Opens the streams, a few at a time, and leaves them open; resolves when each has brought its first byte. */
  hold(): Promise<void>;
  /** Bytes of answers so far. */
  received(): number;
  close(): Promise<void>;
}

/** Times of one call, as `performance.now()` tells them. */
interface Exchange {
  readonly start: number;
  readonly arrivals: readonly number[];
  readonly end: number;
  readonly bytes: number;
}

/** Streams that are being opened at the same time. */
const OPENING = 25;

export function createLoad({ origin, dialect, headers, subscriptions = 0 }: Target, work: Work): Load {
  const expected = dialect === 'bedrock' ? work.answerBytes : undefined;
  const pool = new Pool(origin, { connections: work.concurrency, headersTimeout: 0, bodyTimeout: 0 });
  const call = callOf(work, dialect);
  const requestOf = (identity: Readonly<Record<string, string>>): Dispatcher.DispatchOptions => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers, ...identity },
    ...call,
  });
  const named = Array.from({ length: subscriptions }, (_, team) => ({ 'x-gateway-subscription-id': `team-${team}` }));
  const requests = (named.length === 0 ? [{}] : named).map(requestOf);
  let sent = 0;
  let received = 0;
  const send = (onFirst: () => void = () => {}) => {
    const request = requests[sent++ % requests.length] ?? requestOf({});
    return exchange(pool, request, expected, (count, first) => {
      received += count;
      if (first) onFirst();
    });
  };

  return {
    async run(milliseconds) {
      const start = performance.now();
      const caller = async (): Promise<Exchange[]> => {
        const done: Exchange[] = [];
        do done.push(await send());
        while (performance.now() < start + milliseconds);
        return done;
      };
      const callers = Array.from({ length: work.concurrency }, caller);
      const exchanges = (await Promise.all(callers)).flat();
      return summarize(exchanges, (performance.now() - start) / 1000);
    },
    async hold() {
      let opened = 0;
      const opener = async (): Promise<void> => {
        while (opened < work.concurrency) {
          opened += 1;
          // It ends when the pool is destroyed.
          await new Promise<void>((resolve, reject) => {
            send(resolve).catch(reject);
          });
        }
      };
      await Promise.all(Array.from({ length: OPENING }, opener));
    },
    received: () => received,
    close: () => pool.destroy(),
  };
}

function exchange(
  pool: Pool,
  options: Dispatcher.DispatchOptions,
  expectedBytes: number | undefined,
  onData: (bytes: number, first: boolean) => void,
): Promise<Exchange> {
  const start = performance.now();
  const arrivals: number[] = [];
  let bytes = 0;
  let answerStatus = 0;
  return new Promise((resolve, reject) => {
    pool.dispatch(options, {
      onRequestStart() {},
      onResponseStart(_controller, status) {
        answerStatus = status;
      },
      onResponseData(_controller, chunk) {
        arrivals.push(performance.now());
        bytes += chunk.length;
        onData(chunk.length, arrivals.length === 1);
      },
      onResponseEnd() {
        const complete = expectedBytes === undefined ? bytes > 0 : bytes === expectedBytes;
        if (answerStatus === 200 && complete) resolve({ start, arrivals, end: performance.now(), bytes });
        else reject(new Error(`${options.path} was answered with status ${answerStatus} and ${bytes} bytes.`));
      },
      onResponseError: (_controller, error) => reject(error),
    });
  });
}

function summarize(exchanges: readonly Exchange[], seconds: number): LoadFigures {
  const latencies = exchanges.map(({ start, end }) => end - start);
  const firstBytes = exchanges.map(({ start, arrivals }) => (arrivals[0] ?? start) - start);
  const gaps = exchanges.flatMap(({ arrivals }) => arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at)));
  return {
    requests: exchanges.length,
    seconds,
    answerBytes: exchanges.reduce((sum, { bytes }) => sum + bytes, 0),
    p50: percentile(latencies, 0.5),
    p95: percentile(latencies, 0.95),
    p99: percentile(latencies, 0.99),
    firstByte: percentile(firstBytes, 0.5),
    gap: percentile(gaps, 0.5),
    gap99: percentile(gaps, 0.99),
  };
}
