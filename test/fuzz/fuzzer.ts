import { type Chain, startChain } from '../emulators/chain.ts';
import { type Door, sendOne } from './attempt.ts';
import { exchange } from './connection.ts';

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** A valid call follows each of these, and the worker's memory is read. */
  readonly batch: number;
  readonly progress?: (line: string) => void;
}

export interface FuzzReport {
  readonly seed: number;
  readonly requests: number;
  /** How many of them ended in which way: a status, or one of the words of `sendOne`. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly reachedBedrock: number;
  readonly validCalls: number;
  /** Of the worker: how often it was started again, and its memory in MiB after each batch. */
  readonly restarts: number;
  readonly heapMiB: readonly number[];
  readonly rssMiB: readonly number[];
  readonly seconds: number;
  /** Empty unless something is wrong; each names the number of the request, by which it can be made again. */
  readonly failures: readonly string[];
}

const SETTINGS = {
  MAX_REQUEST_BYTES: '100000',
  UPLOAD_TIMEOUT_SECONDS: '2',
  FIRST_BYTE_DEADLINE_SECONDS: '10',
};

/** Requests under way at a time. */
const LANES = 16;

/** What proxy and host say when all behind them is well; a 500 of the function's and 503 would be a defect. */
const EXPECTED = new Set([200, 400, 401, 403, 404, 405, 408, 413, 414, 417, 431, 501, 505]);

/**
 * Sends mutated requests through gateway, Functions host and function. Each has to be answered, or its connection
 * closed; nothing may be signed that Bedrock does not verify; the worker has to live and to answer valid calls.
 */
export async function fuzz({ requests, seed, batch, progress }: FuzzOptions): Promise<FuzzReport> {
  const chain = await startChain({ callerAuth: 'functionKey', settings: SETTINGS });
  const started = performance.now();
  const outcomes: Record<string, number> = {};
  const failures: string[] = [];
  /** How many of them are told already. */
  let told = 0;
  const heapMiB: number[] = [];
  const rssMiB: number[] = [];
  let reachedBedrock = 0;
  let validCalls = 0;
  const doors = doorsOf(chain);
  try {
    for (let first = 0; first < requests; first += batch) {
      const end = Math.min(first + batch, requests);
      let next = first;
      const lane = async () => {
        while (next < end) {
          const number = next;
          next += 1;
          const outcome = await sendOne(doors, seed, number);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (
            !/^(?:closed|aborted|500 of the host|\d+)$/.test(outcome) ||
            (/^\d+$/.test(outcome) && !EXPECTED.has(Number(outcome)))
          ) {
            failures.push(`request ${number}: ${outcome}`);
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      reachedBedrock += chain.bedrock.requests.length;
      for (const { target, refusal } of chain.bedrock.requests) {
        if (
          /Signature|UnrecognizedClient|must not reach|UnknownOperation|Malformed request target/.test(refusal ?? '')
        ) {
          failures.push(`before request ${end}: ${refusal} for ${target}`);
        }
      }
      chain.bedrock.reset();
      const valid = await validCall(chain);
      if (valid === undefined) validCalls += 1;
      else failures.push(`valid call after request ${end}: ${valid}`);
      const usage = await chain.host.workerUsage();
      heapMiB.push(Math.round(usage.heapUsed / 2 ** 20));
      rssMiB.push(Math.round(usage.rss / 2 ** 20));
      for (const failure of failures.slice(told)) progress?.(failure);
      told = failures.length;
      progress?.(`${end} requests, heap ${heapMiB.at(-1)} MiB, rss ${rssMiB.at(-1)} MiB, ${failures.length} failures`);
    }
    failures.push(...defectsIn(chain));
    const { restarts } = chain.host;
    const seconds = Math.round((performance.now() - started) / 1000);
    return { seed, requests, outcomes, reachedBedrock, validCalls, restarts, heapMiB, rssMiB, seconds, failures };
  } finally {
    await chain.close();
  }
}

function doorsOf({ gateway, host }: Chain): Door[] {
  return [
    {
      name: 'gateway',
      port: gateway.port,
      prefix: '/bedrock',
      admission: [['api-key', gateway.subscriptionKey]],
      maxHeaderSize: 16_384,
    },
    {
      name: 'host',
      port: host.port,
      prefix: '',
      admission: [['x-functions-key', host.functionKey]],
      maxHeaderSize: 32_768,
    },
  ];
}

/** What is wrong with the answer to a call that is in order, or undefined. */
async function validCall({ gateway, bedrock }: Chain): Promise<string | undefined> {
  const body = '{"messages":[]}';
  const head = [
    'POST /bedrock/model/amazon.nova-lite-v1:0/converse HTTP/1.1',
    'Host: fuzz.example',
    `api-key: ${gateway.subscriptionKey}`,
    `Content-Length: ${body.length}`,
  ];
  const answer = await exchange(gateway.port, [...head, '', body].join('\r\n'));
  const [request] = bedrock.requests;
  if (answer?.status !== 200) return `status ${answer?.status}`;
  return request?.verified === true ? undefined : `not verified: ${request?.refusal}`;
}

/** Log lines by which the function confesses a defect of its own. */
function defectsIn({ host }: Chain): string[] {
  const defects = host.logs.filter(({ message }) =>
    /"event":"bedrock\.defect"|"errorType":"InternalServer/.test(message),
  );
  return defects.map(({ message }) => message.slice(0, 300));
}
