import { readFile } from 'node:fs/promises';

import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
import Anthropic from '@anthropic-ai/sdk';
import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { generateText } from 'ai';
import OpenAI, { BedrockOpenAI } from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { closeBeforeHeaders, cutAfterHeaders, fail, stall } from '../emulators/bedrock/faults.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import { startTlsFront, type TlsFront } from '../dev/tls-front.ts';
import { oneAtATime } from '../support/one-at-a-time.ts';
import { DEADLINES_BY_HAND, thenPassDeadlines } from '../support/worker-deadlines.ts';

let chain: Chain;
/** Those that give up on a Bedrock once it is silent, before its headers and after them. */
let silentBefore: Chain;
let silentWithin: Chain;
/** What the gateways have before them for HTTP/2, by their origin. */
const fronts = new Map<string, TlsFront & { readonly ca: Buffer }>();
beforeAll(async () => {
  [chain, silentBefore, silentWithin] = await Promise.all([
    start({}),
    start({ UPSTREAM_HEADERS_TIMEOUT_SECONDS: '200' }, DEADLINES_BY_HAND),
    start({ UPSTREAM_IDLE_TIMEOUT_SECONDS: '200' }, DEADLINES_BY_HAND),
  ]);
});
afterAll(async () => {
  await Promise.all(Array.from(fronts.values(), (front) => front.close()));
  await Promise.all([chain, silentBefore, silentWithin].map((each) => each.close()));
});

async function start(
  settings: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): Promise<Chain> {
  const started = await startChain({
    nodeArguments,
    settings: { MAX_REQUEST_BYTES: '100000', ...settings },
    globalPolicy: globalPolicy({
      inbound: '<set-variable name="bedrock-allowed-models" value="anthropic.allowed-*" />',
    }),
  });
  const front = await startTlsFront(started.gateway.port, 0);
  fronts.set(started.gateway.origin, { ...front, ca: await readFile(front.certificate) });
  return started;
}

/** One call, by somebody who has set nothing but address, key and model. */
interface Call {
  /** Of the gateway, with the suffix of the API. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly prompt: string;
}

const messagesOf = (content: string) => [{ role: 'user' as const, content }];

async function converse({ url, key, model, prompt }: Call, config: BedrockRuntimeClientConfig): Promise<unknown> {
  const client = new BedrockRuntimeClient({
    endpoint: url,
    region: 'us-east-1',
    token: { token: key },
    authSchemePreference: ['httpBearerAuth'],
    ...config,
  });
  const messages = [{ role: 'user' as const, content: [{ text: prompt }] }];
  return client.send(new ConverseCommand({ modelId: model, messages })).finally(() => client.destroy());
}

/** The clients with their own defaults, retries included; each rejects with an error of its own. */
const CLIENTS = {
  'AWS SDK, HTTP/1.1': (call: Call) => converse(call, { requestHandler: new NodeHttpHandler() }),
  'AWS SDK, HTTP/2': (call: Call) => {
    const { origin, pathname } = new URL(call.url);
    const front = fronts.get(origin);
    return converse(
      { ...call, url: `${front?.origin}${pathname}` },
      { requestHandler: { nodeHttp2ConnectOptions: { ca: front?.ca } } },
    );
  },
  Anthropic: ({ url, key, model, prompt }: Call) =>
    new Anthropic({ baseURL: `${url}/anthropic`, authToken: key, apiKey: null }).messages.create({
      model,
      max_tokens: 9,
      messages: messagesOf(prompt),
    }),
  AnthropicBedrock: ({ url, key, model, prompt }: Call) =>
    new AnthropicBedrock({
      baseURL: url,
      awsRegion: 'us-east-1',
      skipAuth: true,
      defaultHeaders: { 'api-key': key },
    }).messages.create({ model, max_tokens: 9, messages: messagesOf(prompt) }),
  'OpenAI, chat': ({ url, key, model, prompt }: Call) =>
    new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key }).chat.completions.create({
      model,
      messages: messagesOf(prompt),
    }),
  'OpenAI, responses': ({ url, key, model, prompt }: Call) =>
    new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key }).responses.create({ model, input: prompt }),
  BedrockOpenAI: ({ url, key, model, prompt }: Call) =>
    new BedrockOpenAI({ baseURL: `${url}/openai/v1`, apiKey: key }).responses.create({ model, input: prompt }),
  'AI SDK': ({ url, key, model, prompt }: Call) =>
    generateText({ model: createAmazonBedrock({ baseURL: url, region: 'us-east-1', apiKey: key })(model), prompt }),
} as const;

type Client = keyof typeof CLIENTS;
const clients = Object.keys(CLIENTS) as Client[];
const ofAws = (client: Client) => client.startsWith('AWS');
const knowsNoHeader = (client: Client) => client === 'AI SDK';

/** What a person sees of it. */
function told(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

let calls = 0;

/** Lets a client call a model that answers everything with this; each call has a model of its own to be told by. */
async function countAtBedrock(client: Client, { bedrock, gateway }: Chain, responder: Responder) {
  const model = `anthropic.allowed-${(calls += 1)}-v1:0`;
  bedrock.answer(responder, { times: 99, when: ({ modelId }) => modelId === model });
  const error: unknown = await CLIENTS[client]({ ...good(gateway), model }).catch((thrown: unknown) => thrown);
  const arrived = bedrock.requests.filter(({ modelId }) => modelId === model).length;
  return { arrived, text: told(error) };
}

function good({ url, subscriptionKey: key } = chain.gateway): Call {
  return { url, key, model: 'anthropic.allowed-0-v1:0', prompt: 'Hello' };
}

interface AtBedrock {
  readonly name: string;
  readonly responder: Responder;
  /** The chain that gives up when Bedrock has done this; default: none has to. */
  readonly givesUp?: () => Chain;
  readonly text: string;
  readonly times: (client: Client) => number;
}

describe('how often a call is paid when it fails at Bedrock', () => {
  const three = () => 3;
  const once = () => 1;
  /** The AI SDK repeats each 408 and 5xx, whatever it is told: CLIENTS.md says so. */
  const onceIfTold = (client: Client) => (knowsNoHeader(client) ? 3 : 1);
  const failures: readonly AtBedrock[] = [
    {
      name: 'it is silent',
      responder: stall('beforeHeaders'),
      givesUp: () => silentBefore,
      text: 'Bedrock did not answer in time.',
      times: onceIfTold,
    },
    {
      name: 'it falls silent inside its answer',
      responder: stall('midBody'),
      givesUp: () => silentWithin,
      text: 'Bedrock fell silent in the middle of its answer.',
      times: onceIfTold,
    },
    {
      name: 'it closes the connection',
      responder: closeBeforeHeaders,
      text: 'The connection to Bedrock failed.',
      times: three,
    },
    { name: 'it breaks off', responder: cutAfterHeaders, text: 'The connection to Bedrock failed.', times: three },
    { name: 'it refuses', responder: fail(400, 'ValidationException', 'No.'), text: 'No.', times: once },
    {
      name: 'it throttles',
      responder: fail(429, 'ThrottlingException', 'Slow down.'),
      text: 'Slow down.',
      times: three,
    },
    { name: 'it fails', responder: fail(500, 'InternalServerException', 'Sorry.'), text: 'Sorry.', times: three },
    {
      // Its own answers are not touched, and to whom the header is unknown by which they are told, it is a 408.
      name: 'it says itself that the model is too slow',
      responder: fail(408, 'ModelTimeoutException', 'Too slow.'),
      text: 'Too slow.',
      times: (client) => (ofAws(client) ? 1 : 3),
    },
  ];

  for (const { name, responder, givesUp, text, times } of failures) {
    // All calls of a worker are given up together.
    const alone = oneAtATime();
    it.concurrent.each(clients)(`${name}: %s`, async (client) => {
      const called = givesUp?.();
      const seen =
        called === undefined
          ? await countAtBedrock(client, chain, responder)
          : await alone(() => countAtBedrock(client, called, thenPassDeadlines(called.host, responder)));
      expect(seen).toStrictEqual({ arrived: times(client), text: expect.stringContaining(text) });
    });
  }
});

describe('what is refused on the way is told at once, and never reaches Bedrock', () => {
  beforeEach(() => chain.bedrock.reset());

  const refusals: readonly { readonly name: string; readonly change: () => Partial<Call>; readonly text: string }[] = [
    { name: 'a wrong key', change: () => ({ key: 'wrong' }), text: 'The subscription key is not valid for this API' },
    {
      name: 'a base URL with two slashes in a row',
      change: () => ({ url: `${chain.gateway.url}//llm` }),
      text: 'There are two slashes in a row',
    },
    {
      name: 'a base URL of something else',
      change: () => ({ url: `${chain.gateway.url}/llm` }),
      text: 'This gateway serves Amazon Bedrock',
    },
    {
      name: 'a model that is not allowed',
      change: () => ({ model: 'anthropic.forbidden-v1:0' }),
      text: 'Your subscription does not allow this model.',
    },
    {
      name: 'a body that is too large',
      change: () => ({ prompt: 'x'.repeat(100_000) }),
      text: 'larger than 100000 bytes',
    },
  ];

  for (const { name, change, text } of refusals) {
    it.each(clients)(`${name}: %s`, async (client) => {
      const before = chain.gateway.requests.length;
      const error: unknown = await CLIENTS[client]({ ...good(), ...change() }).catch((thrown: unknown) => thrown);
      expect(told(error)).toContain(text);
      expect(chain.gateway.requests.length - before).toBe(1);
      expect(chain.bedrock.requests).toHaveLength(0);
    });
  }
});
