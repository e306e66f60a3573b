import { GROUPS } from '../../src/bedrock/groups.ts';
import { SERVICES } from '../../src/bedrock/services.ts';
import { GUARDRAILS } from '../emulators/bedrock/guardrails.ts';
import { parseObject } from '../emulators/bedrock/json.ts';
import type { ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { COUNT_OBJECTS, liveBytes } from '../support/live-objects.ts';
import { ALIAS, modelId } from '../support/models.ts';
import { type Door, sendOne } from './attempt.ts';
import { exchange } from './connection.ts';
import { createIdleClock, HANG_SECONDS } from './idle-clock.ts';

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
  readonly reachedByRegion: Readonly<Record<string, number>>;
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
  OPERATIONS: GROUPS.join(','),
};

/** Both are reached: by the region of a client's signature, by ARNs and by profiles of a geography. */
const REGIONS = ['us-east-1', 'eu-west-1'];
const PLAIN = { id: 'plain', key: 'key-of-plain' };
const ORDERED = { id: 'ordered', key: 'key-of-ordered' };
const [GUARDRAIL] = GUARDRAILS;

/** The calls of one subscription must pass a guardrail, and may use a name for the model. */
const ORDERS = globalPolicy({
  inbound: `<choose><when condition='@(context.Subscription.Id == "${ORDERED.id}")'>
    <set-variable name="bedrock-guardrail" value="${GUARDRAIL.id}:3" />
    <set-variable name="bedrock-model-aliases" value="${ALIAS}=${modelId}" />
  </when></choose>`,
});

/** Requests under way at a time. */
const LANES = 48;

/** What proxy and host say when all behind them is well; a 500 of the function's and 503 would be a defect. */
const EXPECTED = new Set([200, 201, 202, 400, 401, 403, 404, 405, 408, 413, 414, 417, 431, 501, 505]);

/**
 * Sends mutated requests through gateway, Functions host and function. Each has to be answered, or its connection
 * closed; nothing may be signed that Bedrock does not verify; the worker has to live and to answer valid calls. In every
 * second batch the gateway orders a guardrail, and no model may write anything past it.
 */
export async function fuzz({ requests, seed, batch, progress }: FuzzOptions): Promise<FuzzReport> {
  const chain = await startChain({
    callerAuth: 'functionKey',
    nodeArguments: COUNT_OBJECTS,
    settings: SETTINGS,
    regions: REGIONS,
    subscriptions: [PLAIN, ORDERED],
    globalPolicy: ORDERS,
  });
  const idleClock = createIdleClock(HANG_SECONDS);
  const started = performance.now();
  const outcomes: Record<string, number> = {};
  const failures: string[] = [];
  /** How many of them are told already. */
  let told = 0;
  const heapMiB: number[] = [];
  const rssMiB: number[] = [];
  let reachedBedrock = 0;
  const reachedByRegion: Record<string, number> = {};
  let validCalls = 0;
  const [open, ordered] = [doorsOf(chain), [gatewayDoor(chain, ORDERED.key)]];
  try {
    for (let first = 0; first < requests; first += batch) {
      const end = Math.min(first + batch, requests);
      let next = first;
      const isOrdered = (first / batch) % 2 === 1;
      const doors = isOrdered ? ordered : open;
      const lane = async () => {
        while (next < end) {
          const number = next;
          next += 1;
          const outcome = await sendOne(doors, seed, number, idleClock);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (
            !/^(?:closed|aborted|500 of the host|503 (?:of|for) the gateway|\d+)$/.test(outcome) ||
            (/^\d+$/.test(outcome) && !EXPECTED.has(Number(outcome)))
          ) {
            failures.push(`request ${number}: ${outcome}`);
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      const services = [...chain.bedrocks, ...Object.values(chain.services)];
      const reached = services.flatMap((service) => service.requests);
      reachedBedrock += reached.length;
      for (const { region, requests: received } of chain.bedrocks) {
        reachedByRegion[region] = (reachedByRegion[region] ?? 0) + received.length;
      }
      for (const { target, refusal } of reached) {
        if (
          /Signature|UnrecognizedClient|must not reach|UnknownOperation|Malformed request target/.test(refusal ?? '')
        ) {
          failures.push(`before request ${end}: ${refusal} for ${target}`);
        }
      }
      if (isOrdered) failures.push(...reached.flatMap((request) => pastOrders(request, end)));
      for (const service of services) service.reset();
      const valid = await validCall(chain);
      chain.bedrock.reset();
      if (valid === undefined) validCalls += 1;
      else failures.push(`valid call after request ${end}: ${valid}`);
      heapMiB.push(Math.round((await liveBytes(chain.host)) / 2 ** 20));
      rssMiB.push(Math.round((await chain.host.workerUsage()).rss / 2 ** 20));
      for (const failure of failures.slice(told)) progress?.(failure);
      told = failures.length;
      progress?.(`${end} requests, heap ${heapMiB.at(-1)} MiB, rss ${rssMiB.at(-1)} MiB, ${failures.length} failures`);
    }
    failures.push(...defectsIn(chain));
    const { restarts } = chain.host;
    const seconds = Math.round((performance.now() - started) / 1000);
    return {
      seed,
      requests,
      outcomes,
      reachedBedrock,
      reachedByRegion,
      validCalls,
      restarts,
      heapMiB,
      rssMiB,
      seconds,
      failures,
    };
  } finally {
    idleClock.stop();
    await chain.close();
  }
}

/** What is wrong with a request that has reached Bedrock in spite of the orders. */
function pastOrders(request: ReceivedRequest, end: number): string[] {
  const { operation, verified, guardrail, modelId: model, target, body } = request;
  // What is no JSON to Bedrock gets no answer of a model: with a byte order mark, for instance.
  if (!verified || (operation.startsWith('Converse') && parseObject(body) === undefined)) return [];
  const isRight = guardrail?.id === GUARDRAIL.id && guardrail.version === '3';
  if (model !== ALIAS && (isRight || NEEDLESS.has(operation))) return [];
  return [`before request ${end}: ${operation} past the orders, ${target}`];
}

/** Operations that have no model write anything. */
const NEEDLESS = new Set(
  SERVICES.flatMap(({ operations }) => operations)
    .filter(({ guardrail }) => guardrail === 'needless')
    .map(({ name }) => name),
);

function gatewayDoor({ gateway }: Chain, key: string): Door {
  return {
    name: 'gateway',
    port: gateway.port,
    prefix: '/bedrock',
    admission: [['api-key', key]],
    maxHeaderSize: 16_384,
  };
}

function doorsOf(chain: Chain): Door[] {
  const { host } = chain;
  return [
    gatewayDoor(chain, PLAIN.key),
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
