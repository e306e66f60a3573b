import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { type AnswerSource, sendAnswer } from '../../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../../emulators/bedrock/answers.ts';
import { type BedrockEmulator, EXAMPLE_KEY, startBedrock } from '../../emulators/bedrock/bedrock.ts';
import { fail } from '../../emulators/bedrock/faults.ts';
import { encodeException } from '../../emulators/bedrock/frames.ts';
import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { type Chain, newKey } from '../../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../../emulators/functions-host/host.ts';
import { recordOf } from '../../support/chain-calls.ts';
import { type Listening, listen } from '../../support/listen.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { oneAtATime } from '../../support/one-at-a-time.ts';
import { beginCall } from '../../support/raw-client.ts';
import { type Break, breakIn, BREAKS, drip, flood, type Phase, PHASES } from './breaks.ts';
import { type Stage, startStage } from './play.ts';
import { endOf, nextRecord, recordsOf } from '../../support/records.ts';
import { documentedFields } from '../../support/reference.ts';
import { waitUntil } from '../../support/wait-until.ts';
import {
  DEADLINES_BY_HAND,
  passDeadlines,
  passDeadlinesUntil,
  thenPassDeadlines,
} from '../../support/worker-deadlines.ts';
import { held, type Shape, SHAPES, STREAMED } from './shapes.ts';

// One that hangs is noticed by the time limit of its test.
vi.setConfig({ maxConcurrency: 12 });

const stages: Stage[] = [];

async function start(...parameters: Parameters<typeof startStage>): Promise<Stage> {
  const stage = await startStage(...parameters);
  stages.push(stage);
  return stage;
}
afterAll(async () => {
  await Promise.all(stages.map(({ chain }) => chain.close()));
});

/** What the record says of an answer that broke off, and of one that fell silent. */
const BROKE = {
  outcome: 'upstreamBroke',
  errorType: 'ServiceUnavailableException',
  errorSource: 'bedrock',
  attempts: 1,
};
const SILENT = { outcome: 'timedOut', errorType: 'ModelTimeoutException', errorSource: 'bedrock', attempts: 1 };

/**
 * How a client is told that Bedrock broke off, by phase and form of the answer: by a status and a type of error, by a
 * message in the protocol of the stream, or by a reset. A dash: that form has no such phase (OpenAI's client has all it
 * wants when the last message is there).
 */
const ENDINGS = `
  phase                    | plain  | large  | event stream | OpenAI  | Anthropic
  before the headers       | status | status | status       | status  | status
  inside the headers       | status | status | status       | status  | status
  before the first byte    | status | status | status       | status  | status
  inside the first message | status | status | status       | status  | status
  inside a message         | -      | reset  | message      | message | message
  between messages         | -      | reset  | message      | message | message
  inside the last message  | -      | reset  | message      | message | message
  before the end           | status | reset  | message      | -       | message
`;

/**
 * What is known of its tokens by then: nothing, since there was no answer, or since it was cut; the input, which
 * Anthropic tells at the start; or all of them, since they came before the end.
 */
const TOKENS = `
  phase                    | plain     | large     | event stream | OpenAI    | Anthropic
  before the headers       | no answer | no answer | no answer    | no answer | no answer
  inside the headers       | no answer | no answer | no answer    | no answer | no answer
  before the first byte    | cut       | cut       | cut          | cut       | cut
  inside the first message | cut       | cut       | cut          | cut       | cut
  inside a message         | -         | cut       | cut          | cut       | input
  between messages         | -         | cut       | cut          | cut       | input
  inside the last message  | -         | cut       | cut          | cut       | all
  before the end           | cut       | cut       | all          | -         | all
`;

/** What the record says in each of these cases. */
const KNOWN: Readonly<Record<string, object>> = {
  'no answer': { usageUnknown: 'no answer' },
  cut: { usageUnknown: 'cut' },
  input: { usagePartial: true, tokens: ['inputTokens'] },
  all: { tokens: ['inputTokens', 'outputTokens', 'totalTokens'] },
};

interface Row {
  readonly phase: Phase;
  readonly how: Break;
  readonly shape: Shape;
  readonly ending: string;
  readonly tokens: string;
}

function rows(): Row[] {
  const [endings, tokens] = [cellsOf(ENDINGS), cellsOf(TOKENS)];
  return PHASES.flatMap((phase, line) =>
    (Object.keys(BREAKS) as Break[]).flatMap((how) =>
      SHAPES.map((shape, column) => ({
        phase,
        how,
        shape,
        ending: endings[line]?.[column] ?? '',
        tokens: tokens[line]?.[column] ?? '',
      })).filter(({ ending }) => ending !== '-'),
    ),
  );
}

/** The cells of a table with one line for each phase. */
function cellsOf(table: string): string[][] {
  const lines = table.trim().split('\n').slice(1);
  return lines.map((line, index) => {
    const [name, ...cells] = line.split('|').map((cell) => cell.trim());
    if (name !== PHASES[index]) throw new Error(`No such phase here: ${name}`);
    return cells;
  });
}

/** What is known of the tokens of a stream that went no further than its first messages. */
function begun(shape: Shape): object {
  return KNOWN[shape.operation === 'Messages' ? 'input' : 'cut'] ?? {};
}

describe.concurrent('Bedrock breaks off', () => {
  let stage: Stage;
  /** One in which silence is noticed when Bedrock has fallen silent, and not after a time. */
  let attentive: Stage;
  beforeAll(async () => {
    const settings = {
      UPSTREAM_HEADERS_TIMEOUT_SECONDS: '201',
      UPSTREAM_IDLE_TIMEOUT_SECONDS: '202',
      FIRST_BYTE_DEADLINE_SECONDS: '230',
    };
    [stage, attentive] = await Promise.all([start({}), start(settings, { nodeArguments: DEADLINES_BY_HAND })]);
  });
  const alone = oneAtATime();

  /** Silence is noticed by all calls of a worker. */
  const playSilence = (phase: Phase, shape: Shape) =>
    alone(() =>
      attentive.play(shape, (seen) =>
        thenPassDeadlines(attentive.chain.host, breakIn(phase, 'silence', seen, shape.script)),
      ),
    );

  it.each(rows())('$phase of $shape.name: $how', async ({ phase, how, shape, ending, tokens }) => {
    const silent = how === 'silence';
    const played = silent
      ? await playSilence(phase, shape)
      : await stage.play(shape, (seen) => breakIn(phase, how, seen, shape.script));
    const status = silent ? '408 ModelTimeoutException' : '503 ServiceUnavailableException';
    const told = silent ? shape.broken.silent : shape.broken.broke;
    expect(played).toStrictEqual({
      ending: ending === 'status' ? status : told,
      end: {
        ...(silent ? SILENT : BROKE),
        status: ending === 'status' ? Number.parseInt(status) : 200,
        ...KNOWN[tokens],
      },
      sent: 1,
    });
  });
});

describe.concurrent('Bedrock itself says that something is wrong', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await start({});
  });

  const REFUSED = { outcome: 'complete', errorSource: 'bedrock', attempts: 1 };

  it.each(SHAPES)('by a status: $name', async (shape) => {
    const played = await stage.play(shape, () => fail(429, 'ThrottlingException', 'Slow down.'));
    expect(played).toStrictEqual({
      ending: '429 ThrottlingException',
      end: { ...REFUSED, status: 429, errorType: 'ThrottlingException' },
      sent: 1,
    });
  });

  const events = (text: string) => [Buffer.from(text)];
  const TOLD: readonly (readonly [string, string, string, readonly Buffer[]])[] = [
    [
      'ConverseStream',
      'exception ThrottlingException',
      'ThrottlingException',
      [encodeException('throttlingException', 'Slow down.')],
    ],
    [
      'ChatCompletions',
      'error rate_limit_exceeded',
      'requests',
      events('data: {"error":{"message":"Slow down.","type":"requests","code":"rate_limit_exceeded"}}\n\n'),
    ],
    [
      'Messages',
      'error overloaded_error',
      'overloaded_error',
      events('event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Slow down."}}\n\n'),
    ],
  ];

  it.each(TOLD)('in the middle of a stream: %s', async (operation, ending, errorType, last) => {
    const shape = SHAPES.find((each) => each.operation === operation) ?? held;
    const source: AnswerSource = (request) => {
      const answer = defaultAnswer(request);
      return { ...answer, parts: [...answer.parts.slice(0, 5), ...last] };
    };
    const played = await stage.play(shape, () => (request, response) => sendAnswer(response, source(request)));
    expect(played).toStrictEqual({
      ending,
      end: {
        ...REFUSED,
        status: 200,
        errorType,
        ...(operation === 'Messages' ? KNOWN['input'] : { usageUnknown: 'ended by an error' }),
      },
      sent: 1,
    });
  });
});

describe.concurrent('the deadlines of this proxy', () => {
  let stage: Stage;
  beforeAll(async () => {
    const settings = { FIRST_BYTE_DEADLINE_SECONDS: '210', STREAM_DEADLINE_SECONDS: '215' };
    stage = await start(settings, { nodeArguments: DEADLINES_BY_HAND });
  });
  const alone = oneAtATime();

  /** The deadline passes, for all calls of a worker, when what Bedrock does says so. */
  const playLate = (shape: Shape, answer: (seen: Promise<void>, pass: () => void) => Responder) =>
    alone(() => stage.play(shape, (seen) => answer(seen, () => passDeadlines(stage.chain.host))));

  const TOO_LATE = { ending: '408 ModelTimeoutException', end: { ...SILENT, status: 408 }, sent: 1 };

  it.each(SHAPES)('no headers of $name', async (shape) => {
    const played = await playLate(shape, (_seen, pass) => pass);
    expect(played).toStrictEqual({ ...TOO_LATE, end: { ...TOO_LATE.end, ...KNOWN['no answer'] } });
  });

  it.each(SHAPES)('$name that drips', async (shape) => {
    const played = await playLate(shape, (_seen, pass) => drip('bytes', pass, shape.script));
    expect(played).toStrictEqual({ ...TOO_LATE, end: { ...TOO_LATE.end, ...KNOWN['cut'] } });
  });

  it.each(STREAMED)('$name that never ends', async (shape) => {
    const played = await playLate(shape, (seen, pass) => {
      void seen.then(pass);
      return drip('messages', () => {}, shape.script);
    });
    expect(played).toStrictEqual({
      ending: shape.broken.silent,
      end: { ...SILENT, status: 200, ...begun(shape) },
      sent: 1,
    });
  });

  it('keys refused, then no headers: both attempts share the time', { concurrent: false }, async () => {
    const { vault, bedrock } = stage.chain;
    const next = newKey();
    vault.set('aws-credentials', JSON.stringify(next));
    bedrock.setKeys([next]);
    // The new keys come when all the calls have been refused with the old ones.
    vault.hang(true);
    let refused = 0;
    let again = 0;
    const stop = bedrock.onRequest(({ verified }) => {
      if (verified) again += 1;
      else refused += 1;
      if (refused === SHAPES.length) vault.hang(false);
      if (again === SHAPES.length) passDeadlines(stage.chain.host);
    });
    const silent = () => () => {};
    for (const played of await alone(() => Promise.all(SHAPES.map((shape) => stage.play(shape, silent))))) {
      expect(played).toStrictEqual({
        ...TOO_LATE,
        end: { ...TOO_LATE.end, ...KNOWN['no answer'], attempts: 2, credentialsRefreshed: true },
        sent: 2,
      });
    }
    stop();
  });
});

describe.concurrent('the body of the request', () => {
  let stage: Stage;
  /** One whose limits run out when a test says so, those of its host too. */
  let attentive: Stage;
  const hostClock = manualClock();
  beforeAll(async () => {
    [stage, attentive] = await Promise.all([
      start({ MAX_REQUEST_BYTES: '10000' }),
      start({ UPLOAD_TIMEOUT_SECONDS: '200' }, { nodeArguments: DEADLINES_BY_HAND, hostClock }),
    ]);
  });
  const alone = oneAtATime();

  /** Begins an upload. */
  function upload({ path }: Shape, { chain, nextKey }: Stage = stage) {
    const key = nextKey();
    const { request, response } = beginCall(chain.gateway.url + path, {
      method: 'POST',
      headers: { 'api-key': key, 'transfer-encoding': 'chunked' },
    });
    const record = nextRecord(chain.host, ({ subscriptionId }) => subscriptionId === key);
    return { request, response, record, key };
  }

  async function refusalOf({ request, response, record }: ReturnType<typeof upload>) {
    const { statusCode, headers } = await response;
    request.destroy();
    return { ending: `${statusCode} ${headers['x-amzn-errortype']}`, end: endOf(await record) };
  }

  it.each(SHAPES)('stops: $name', async (shape) => {
    const refusal = await alone(async () => {
      const call = upload(shape, attentive);
      call.request.write('{');
      await passDeadlinesUntil(attentive.chain.host, call.record);
      await hostClock.pass(6000);
      return refusalOf(call);
    });
    expect(refusal).toStrictEqual({
      // The host ends an upload that dries up by itself; only the record has the refusal.
      ending: '500 undefined',
      end: { status: 408, outcome: 'refused', errorType: 'RequestTimeoutException', errorSource: 'client' },
    });
  });

  it.each(SHAPES)('is too long: $name', async (shape) => {
    const call = upload(shape);
    // The host delivers no answer before the end of the upload.
    call.request.end(Buffer.alloc(10_001));
    expect(await refusalOf(call)).toStrictEqual({
      ending: '413 RequestEntityTooLargeException',
      end: { status: 413, outcome: 'refused', errorType: 'RequestEntityTooLargeException', errorSource: 'client' },
    });
  });

  it.each(SHAPES)('is cut: $name', async (shape) => {
    const { request, record, key } = upload(shape);
    request.write('{');
    const { requests } = stage.chain.gateway;
    await waitUntil(() => requests.some(({ rawHeaders, forwarded }) => forwarded && rawHeaders.includes(key)));
    // A later call has its answer: by then this one has gone from the host to the function.
    await stage.play(held);
    request.destroy();
    expect(endOf(await record)).toStrictEqual({ outcome: 'clientClosed' });
  });
});

describe.concurrent('no connection to Bedrock', () => {
  const NONE = {
    ending: '503 ServiceUnavailableException',
    end: { ...BROKE, status: 503, ...KNOWN['no answer'] },
    sent: 0,
  };

  describe.concurrent('nobody listens', () => {
    let stage: Stage;
    beforeAll(async () => {
      // A port that was free a moment ago may be another program's by now.
      stage = await start({ AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:1' });
    });

    it.each(SHAPES)('$name', async (shape) => {
      expect(await stage.play(shape)).toStrictEqual(NONE);
    });
  });

  describe.concurrent('no TLS handshake in time', () => {
    let stage: Stage;
    let silent: Listening;
    beforeAll(async () => {
      // What a TLS client says first is no HTTP; nothing answers it, and its connection stays open.
      silent = await listen(createServer().on('clientError', () => {}));
      stage = await start({
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: silent.url.replace('http:', 'https:'),
        UPSTREAM_CONNECT_TIMEOUT_SECONDS: '1',
      });
    });
    afterAll(() => silent.close());

    it.each(SHAPES)('$name', async (shape) => {
      expect(await stage.play(shape)).toStrictEqual(NONE);
    });
  });
});

describe.concurrent('no credentials', () => {
  let stage: Stage;
  /** One whose deadline passes when a test says so. */
  let attentive: Stage;
  beforeAll(async () => {
    [stage, attentive] = await Promise.all([
      start({}, { secrets: {} }),
      start({ FIRST_BYTE_DEADLINE_SECONDS: '210' }, { secrets: {}, nodeArguments: DEADLINES_BY_HAND }),
    ]);
  });

  const FAULTS: readonly (readonly [string, (chain: Chain) => void, (chain: Chain) => void])[] = [
    ['no secret', () => {}, () => {}],
    ['the vault fails', ({ vault }) => vault.fail(500), ({ vault }) => vault.fail(500, 0)],
    ['the vault resets its connections', ({ vault }) => vault.outage(true), ({ vault }) => vault.outage(false)],
    ['the vault refuses the identity', ({ vault }) => vault.revokeRole(), ({ vault }) => vault.grantRole()],
    ['the secret is no JSON', ({ vault }) => void vault.set('aws-credentials', 'AKIA'), () => {}],
  ];

  it.each(FAULTS)('%s', { concurrent: false }, async (_name, begin, end) => {
    const { chain } = stage;
    begin(chain);
    const before = chain.vault.requests.length;
    // After a failure the vault is left alone for a moment.
    for (; chain.vault.requests.length === before; await sleep(100)) await stage.play(held);
    for (const played of await Promise.all(SHAPES.map((shape) => stage.play(shape)))) {
      expect(played).toStrictEqual({
        ending: '503 ServiceUnavailableException',
        end: { status: 503, outcome: 'refused', errorType: 'ServiceUnavailableException', errorSource: 'proxy' },
        sent: 0,
      });
    }
    end(chain);
  });

  it('the vault says nothing', { concurrent: false }, async () => {
    const { chain, play } = attentive;
    const failures = () =>
      chain.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.credentials"')).length;
    for (const [index, shape] of SHAPES.entries()) {
      // The reading before has failed, the first one at the start, and the moment passes for which the vault is left alone then.
      chain.vault.hang(false);
      await waitUntil(() => failures() > index);
      await passDeadlines(chain.host);
      chain.vault.hang(true);
      const asked = chain.vault.nextRequest();
      const playing = play(shape);
      await asked;
      await passDeadlines(chain.host);
      expect(await playing).toStrictEqual({
        ending: '408 ModelTimeoutException',
        end: { status: 408, outcome: 'timedOut', errorType: 'ModelTimeoutException', errorSource: 'proxy' },
        sent: 0,
      });
    }
  });
});

describe.concurrent('a caller that reads no further', () => {
  let bedrock: BedrockEmulator;
  let host: FunctionsHost;
  beforeAll(async () => {
    bedrock = await startBedrock();
    host = await startFunctionsHost({
      environment: {
        AWS_REGION: bedrock.region,
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
        AWS_ACCESS_KEY_ID: EXAMPLE_KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: EXAMPLE_KEY.secretAccessKey,
        STREAM_DEADLINE_SECONDS: '6',
      },
    });
  });
  afterAll(async () => {
    await host.stop();
    await bedrock.close();
  });

  /** The ids of all calls. */
  const calls: unknown[] = [];

  /** Makes a call and reads nothing of its answer but the headers; resolves with what its record says of the end. */
  async function leaveUnread(shape: Shape): Promise<Record<string, unknown>> {
    bedrock.answer(flood(shape.script), { when: ({ operation }) => operation === shape.operation });
    const { request, response } = beginCall(host.url + shape.path, {
      method: 'POST',
      headers: { 'x-functions-key': host.functionKey },
    });
    request.end(shape.body);
    const record = await recordOf({ host }, await response);
    calls.push(record['requestId']);
    request.destroy();
    return endOf(record);
  }

  it.each(STREAMED)('does not hold the function beyond its deadline: $name', async (shape) => {
    const expected = { ...SILENT, status: 200, ...begun(shape) };
    let end = await leaveUnread(shape);
    // A busy machine may not have filled every buffer on the way before the deadline: then Bedrock was waited for.
    while (end['errorSource'] === 'bedrock') {
      expect(end).toStrictEqual(expected);
      end = await leaveUnread(shape);
    }
    expect(end).toStrictEqual({ ...expected, errorSource: 'client' });
  });

  it('has one record a call', { concurrent: false }, () => {
    expect(
      recordsOf(host)
        .map(({ requestId }) => requestId)
        .toSorted(),
    ).toStrictEqual(calls.toSorted());
  });
});

it('every call made here has exactly one record, and no worker was lost or found a defect of its own', async () => {
  const fields = new Set(documentedFields());
  for (const { chain, recordCounts } of stages) {
    expect(new Set(await recordCounts())).toStrictEqual(new Set([1]));
    const unknown = recordsOf(chain.host).flatMap((record) => Object.keys(record).filter((name) => !fields.has(name)));
    expect(unknown).toStrictEqual([]);
    expect(chain.host.restarts).toBe(0);
    expect(chain.host.logs.filter(({ message }) => message.includes('"bedrock.defect"'))).toStrictEqual([]);
  }
});
