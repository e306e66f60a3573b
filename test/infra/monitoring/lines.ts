import { createServer } from 'node:http';

import { plain, sendAnswer } from '../../emulators/bedrock/answer.ts';
import { closeBeforeHeaders, cutAt, fail, stall } from '../../emulators/bedrock/faults.ts';
import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import { globalPolicy } from '../../emulators/gateway/harness.ts';
import { begin, call } from '../../support/chain-calls.ts';
import { listen } from '../../support/listen.ts';
import { modelId } from '../../support/models.ts';
import { nextRecord } from '../../support/records.ts';

/** A line that the proxy has logged, parsed. */
export type Line = Readonly<Record<string, unknown>>;

export const HAIKU = modelId;
export const HAIKU_IN_EUROPE = `eu.${HAIKU}`;
export const NOVA = 'amazon.nova-lite-v1:0';
export const PROFILE_ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123';

/** One line each, by what happened; all of them come from the proxy in the built bundle. */
export interface Lines {
  /** Team A, Haiku: 4 input, 50 output (40 of them reasoning), 200 read from a cache, 30 written, 20 of them for an hour. */
  readonly cached: Line;
  /** Team A, Haiku by an inference profile of the EU: 100 input, 20 output. */
  readonly profile: Line;
  /** Team B, by a name for the ARN of an application inference profile: 10 input, 5 output. */
  readonly arn: Line;
  /** Team B, a ConverseStream of Nova. */
  readonly stream: Line;
  /** Team B, Nova: 429 by Bedrock. */
  readonly throttled: Line;
  /** Team C, Nova: 429 by the proxy, whose budget for the minute is used up. */
  readonly budgeted: Line;
  /** Team A, Haiku: 429 by Bedrock in the first region, served in the second. */
  readonly moved: Line;
  /** Team A, Haiku: 500 by Bedrock. */
  readonly failed: Line;
  /** Team A, Haiku: 502 by a front end of AWS, a page without a type. */
  readonly page: Line;
  /** Team A, Haiku: no answer at all, 503. */
  readonly broken: Line;
  /** Team A, Haiku: a ConverseStream that Bedrock cut; its tokens are not known. */
  readonly cut: Line;
  /** Team A, Haiku: an invoked stream that Bedrock cut after it had told its input. */
  readonly partial: Line;
  /** Team A: a path with a model id that cannot be. */
  readonly refused: Line;
  /** Team A, Haiku: CountTokens. */
  readonly counted: Line;
  /** Team A, Haiku: the caller left before Bedrock answered. */
  readonly aborted: Line;
  /** Team A: a health probe. */
  readonly health: Line;
  /** Team A, Haiku: AWS refused the keys, 403. */
  readonly keysRefused: Line;
  /** Team A, Haiku: AWS does not allow the call, 403. */
  readonly denied: Line;
  /** The function does not accept the gateway's token. */
  readonly tokenRefused: Line;
  /** The vault could not be read while keys were at hand. */
  readonly vaultFailed: Line;
  /** The table of the budgets could not be reached. */
  readonly tableFailed: Line;
  /** The cause of `broken`. */
  readonly failure: Line;
}

/** A name that the gateway gives the profile. */
const ALIAS = 'team-own';

const messages = [{ role: 'user', content: [{ text: 'hello' }] }];
const anthropic = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [] };

/** Calls through the whole chain and collects what the proxy logs of each call. */
export async function captureLines(): Promise<Lines> {
  const nobody = await listen(createServer());
  await nobody.close();
  const chain = await startChain({
    settings: { BUDGETS: 'tokens/minute=1000, tokens/month=4000', BUDGET_TABLE_URI: `${nobody.url}/budgets` },
    subscriptions: [
      { id: 'team-a', name: 'Équipe A', key: 'key-a' },
      { id: 'team-b', key: 'key-b', productId: 'gold' },
      { id: 'team-c', key: 'key-c' },
    ],
    globalPolicy: globalPolicy({
      inbound: `<set-variable name="bedrock-model-aliases" value="${ALIAS}=${PROFILE_ARN}" />`,
    }),
  });
  try {
    const tableFailed = nextLine(chain, 'bedrock.budgets');
    const converse = (model: string) => `/model/${encodeURIComponent(model)}/converse`;
    const lineOfCall = async (path: string, body: object | null, answer?: Responder, key = 'key-a') => {
      if (answer !== undefined) chain.bedrock.answer(answer);
      return (await call(chain, path, { body, key })).record;
    };
    const cached = await lineOfCall(`/model/${HAIKU}/invoke`, anthropic, answerOf(ANTHROPIC_ANSWER));
    const profile = await lineOfCall(converse(HAIKU_IN_EUROPE), { messages }, answerOf(converseAnswer(100, 20)));
    const arn = await lineOfCall(converse(ALIAS), { messages }, answerOf(converseAnswer(10, 5)), 'key-b');
    const stream = await lineOfCall(`/model/${NOVA}/converse-stream`, { messages }, undefined, 'key-b');
    const throttled = await lineOfCall(
      converse(NOVA),
      { messages },
      fail(429, 'ThrottlingException', 'Slow down.'),
      'key-b',
    );
    await lineOfCall(converse(NOVA), { messages }, answerOf(converseAnswer(1000, 1000)), 'key-c');
    const budgeted = await lineOfCall(converse(NOVA), { messages }, undefined, 'key-c');
    const failed = await lineOfCall(converse(HAIKU), { messages }, fail(500, 'InternalServerException', 'Sorry.'));
    const page = await lineOfCall(converse(HAIKU), { messages }, badGateway);
    const broken = await lineOfCall(converse(HAIKU), { messages }, closeBeforeHeaders);
    const cut = await lineOfCall(`/model/${HAIKU}/converse-stream`, { messages }, cutAt(1500));
    const partial = await lineOfCall(`/model/${HAIKU}/invoke-with-response-stream`, anthropic, cutAt(1500));
    const refused = await lineOfCall('/model/a%20b/converse', { messages });
    const counted = await lineOfCall(`/model/${HAIKU}/count-tokens`, { input: { converse: { messages } } });
    const denied = await lineOfCall(converse(HAIKU), { messages }, fail(403, 'AccessDeniedException', 'No.'));
    const { record: tokenRefused } = await call(chain, converse(HAIKU), { body: { messages }, door: 'host' });
    const aborted = await abortedCall(chain, converse(HAIKU));
    const health = await lineOfCall('/health', null);
    chain.vault.fail(500);
    const keysRefused = await lineOfCall(
      converse(HAIKU),
      { messages },
      fail(403, 'UnrecognizedClientException', 'Who?'),
    );
    return {
      cached,
      profile,
      arn,
      stream,
      throttled,
      budgeted,
      moved: await movedLine(),
      failed,
      page,
      broken,
      cut,
      partial,
      refused,
      counted,
      aborted,
      health,
      keysRefused,
      denied,
      tokenRefused,
      vaultFailed: lineOf(chain, 'bedrock.credentials'),
      tableFailed: await tableFailed,
      failure: lineOf(chain, 'bedrock.failure'),
    };
  } finally {
    await chain.close();
  }
}

async function movedLine(): Promise<Line> {
  const chain = await startChain({
    regions: ['us-east-1', 'us-west-2'],
    subscriptions: [{ id: 'team-a', name: 'Équipe A', key: 'key-a' }],
  });
  try {
    chain.bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'));
    const { record } = await call(chain, `/model/${HAIKU}/converse`, { body: { messages }, key: 'key-a' });
    return record;
  } finally {
    await chain.close();
  }
}

const ANTHROPIC_ANSWER = {
  type: 'message',
  content: [{ type: 'text', text: 'Hi' }],
  usage: {
    input_tokens: 4,
    output_tokens: 50,
    output_tokens_details: { thinking_tokens: 40 },
    cache_read_input_tokens: 200,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  },
};

function converseAnswer(inputTokens: number, outputTokens: number) {
  return {
    output: { message: { role: 'assistant', content: [{ text: 'Hi' }] } },
    serviceTier: { type: 'default' },
    usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
  };
}

function answerOf(body: object): Responder {
  return (_, response) => sendAnswer(response, plain(body));
}

const badGateway: Responder = (_, response) => {
  const page = Buffer.from('<html><body>Bad Gateway</body></html>');
  return sendAnswer(response, { ...plain(page, { 'content-type': 'text/html' }), status: 502 });
};

async function abortedCall(chain: Chain, path: string): Promise<Line> {
  const { bedrock, host } = chain;
  bedrock.answer(stall('beforeHeaders'));
  const arrived = Promise.withResolvers<void>();
  const stop = bedrock.onRequest(() => arrived.resolve());
  const { request } = begin(chain, path, { body: { messages } });
  await arrived.promise;
  stop();
  request.destroy();
  return nextRecord(host, (record) => record['outcome'] === 'clientClosed');
}

function nextLine(chain: Chain, event: string): Promise<Line> {
  return new Promise((resolve) => {
    const stop = chain.host.onLog(({ message }) => {
      if (!message.startsWith(`{"event":"${event}"`)) return;
      stop();
      resolve(JSON.parse(message) as Line);
    });
  });
}

function lineOf({ host }: Chain, event: string): Line {
  const line = host.logs.find(({ message }) => message.startsWith(`{"event":"${event}"`));
  if (line === undefined) throw new Error(`No line ${event} was logged.`);
  return JSON.parse(line.message) as Line;
}
