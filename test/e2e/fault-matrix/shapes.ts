import Anthropic, {
  APIConnectionError as AnthropicConnectionError,
  APIError as AnthropicError,
} from '@anthropic-ai/sdk';
import {
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import type { NodeHttpHandler } from '@smithy/node-http-handler';
import OpenAI, { APIConnectionError, APIError } from 'openai';

import { type Chain, withApiKey } from '../../emulators/chain.ts';
import { converse, converseStream, modelId, openAiModel } from '../../support/models.ts';
import { beginCall, nextChunk } from '../../support/raw-client.ts';
import type { Script } from './breaks.ts';

/** A call as its client makes it, through the gateway. */
export interface ShapedCall {
  readonly chain: Chain;
  /** Key of a subscription. */
  readonly key: string;
  /** Sent to Bedrock as `x-amzn-bedrock-row`. */
  readonly row: string;
  /** Where it matters which model is called. */
  readonly model?: string;
  /** To be called when the client has its first message. */
  readonly onFirst: () => void;
}

/** One of the forms that answers have, with a client of its own. */
export interface Shape {
  readonly name: string;
  /** As the record names it. */
  readonly operation: string;
  readonly path: string;
  readonly body: string;
  /** What it tells of a stream that broke off, or fell silent, after its first message. */
  readonly broken: { readonly broke: string; readonly silent: string };
  /** Absent: the emulator's good answer. */
  readonly script?: Script;
  /**
   * Calls and reads to the end. Never rejects: resolves with how the answer ended for the client: `503
   * ServiceUnavailableException`, `exception ModelStreamErrorException`, `error api_error`, `reset`, `complete`, or
   * something that no client should see.
   */
  call(call: ShapedCall): Promise<string>;
}

const ROW = 'x-amzn-bedrock-row';

export const held: Shape = {
  name: 'a plain answer',
  operation: 'Converse',
  path: converse,
  body: '{"messages":[]}',
  broken: { broke: 'unused', silent: 'unused' },
  async call(call) {
    const client = awsClient(call);
    // Nothing of it is seen before the end.
    call.onFirst();
    return client
      .send(new ConverseCommand({ modelId: call.model ?? modelId, messages: [] }))
      .then(() => 'complete', endingOfAws)
      .finally(() => client.destroy());
  },
};

const large: Shape = {
  name: 'a large plain answer',
  operation: 'InvokeModel',
  path: `/model/${modelId}/invoke`,
  body: '{}',
  broken: { broke: 'reset', silent: 'reset' },
  script: {
    headers: { 'content-type': 'image/png' },
    // More than is held, in the first piece.
    messages: [1_500_000, 50_000, 50_000, 50_000].map((length) => Buffer.alloc(length, 'png')),
  },
  async call({ chain, key, row, onFirst }) {
    const { request, response } = beginCall(chain.gateway.url + large.path, {
      method: 'POST',
      headers: { 'api-key': key, [ROW]: row },
    });
    request.end(large.body);
    const answer = await response.catch(() => undefined);
    if (answer === undefined) return 'no answer';
    if (answer.statusCode !== 200) {
      answer.resume();
      return `${answer.statusCode} ${answer.headers['x-amzn-errortype']}`;
    }
    try {
      while ((await nextChunk(answer)) !== undefined) onFirst();
      return answer.complete ? 'complete' : 'reset';
    } catch {
      return 'reset';
    }
  },
};

export const eventStream: Shape = {
  name: 'an event stream',
  operation: 'ConverseStream',
  path: converseStream,
  body: '{"messages":[]}',
  broken: { broke: 'exception ModelStreamErrorException', silent: 'exception ModelStreamErrorException' },
  async call(call) {
    const client = awsClient(call);
    try {
      const { stream } = await client.send(new ConverseStreamCommand({ modelId: call.model ?? modelId, messages: [] }));
      return await readEvents(stream, call.onFirst);
    } catch (error) {
      return endingOfAws(error);
    } finally {
      client.destroy();
    }
  },
};

const openAi: Shape = {
  name: 'server-sent events for OpenAI',
  operation: 'ChatCompletions',
  path: '/openai/v1/chat/completions',
  body: JSON.stringify({ model: openAiModel, messages: [], stream: true }),
  broken: { broke: 'error ServiceUnavailableException', silent: 'error ModelTimeoutException' },
  async call({ chain, key, row, onFirst }) {
    const client = new OpenAI({
      baseURL: `${chain.gateway.url}/openai/v1`,
      apiKey: key,
      maxRetries: 0,
      defaultHeaders: { [ROW]: row },
    });
    try {
      const messages = [{ role: 'user' as const, content: 'hi' }];
      await readAll(await client.chat.completions.create({ model: openAiModel, messages, stream: true }), onFirst);
      return 'complete';
    } catch (error) {
      if (!(error instanceof APIError) || error instanceof APIConnectionError) return describe(error);
      return error.status === undefined ? `error ${error.code}` : statusOf(error.status, error.headers);
    }
  },
};

export const anthropic: Shape = {
  name: 'server-sent events for Anthropic',
  operation: 'Messages',
  path: '/anthropic/v1/messages',
  body: JSON.stringify({ model: modelId, max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], stream: true }),
  broken: { broke: 'error api_error', silent: 'error api_error' },
  async call({ chain, key, row, model = modelId, onFirst }) {
    const client = new Anthropic({
      baseURL: `${chain.gateway.url}/anthropic`,
      apiKey: null,
      authToken: key,
      maxRetries: 0,
      defaultHeaders: { [ROW]: row },
    });
    try {
      const messages = [{ role: 'user' as const, content: 'hi' }];
      await readAll(await client.messages.create({ model, max_tokens: 9, messages, stream: true }), onFirst);
      return 'complete';
    } catch (error) {
      if (!(error instanceof AnthropicError) || error instanceof AnthropicConnectionError) return describe(error);
      return error.status === undefined ? `error ${error.type}` : statusOf(error.status, error.headers);
    }
  },
};

export const SHAPES: readonly Shape[] = [held, large, eventStream, openAi, anthropic];

/** Shapes whose answer goes out while it comes in. */
export const STREAMED: readonly Shape[] = [large, eventStream, openAi, anthropic];

function awsClient({ chain, key, row }: ShapedCall): BedrockRuntimeClient {
  const handler: NodeHttpHandler = withApiKey(key);
  const handle = handler.handle.bind(handler);
  handler.handle = (request, options) => {
    request.headers[ROW] = row;
    return handle(request, options);
  };
  return new BedrockRuntimeClient({ ...chain.clientConfig(), requestHandler: handler, maxAttempts: 1 });
}

async function readEvents(stream: AsyncIterable<unknown> | undefined, onFirst: () => void): Promise<string> {
  if (stream === undefined) return 'no stream';
  try {
    await readAll(stream, onFirst);
    return 'complete';
  } catch (error) {
    return error instanceof BedrockRuntimeServiceException ? `exception ${error.name}` : describe(error);
  }
}

async function readAll(stream: AsyncIterable<unknown>, onEach: () => void): Promise<void> {
  const events = stream[Symbol.asyncIterator]();
  while ((await events.next()).done !== true) onEach();
}

function endingOfAws(error: unknown): string {
  if (!(error instanceof BedrockRuntimeServiceException)) return describe(error);
  return `${error.$metadata.httpStatusCode} ${error.name}`;
}

function statusOf(status: number, headers: Headers | undefined): string {
  return `${status} ${headers?.get('x-amzn-errortype')}`;
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message} <- ${String(error.cause)}` : String(error);
}
