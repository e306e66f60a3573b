import { createServer } from 'node:http';

import Anthropic from '@anthropic-ai/sdk';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';

import { errorReply, type Failure, FAILURES, ProxyError, toProxyError } from '../../src/errors.ts';
import { listen } from '../support/listen.ts';
import { modelId } from '../support/models.ts';

const failures = Object.keys(FAILURES) as Failure[];

/**
 * How often a client asks in all, when each try gets this failure, by its own defaults. What a repetition cannot mend, or would
 * pay again, is asked once.
 */
const TRIES: Readonly<Record<Failure, { readonly aws: number; readonly other: number }>> = {
  invalidRequest: { aws: 1, other: 1 },
  unauthorized: { aws: 1, other: 1 },
  accessDenied: { aws: 1, other: 1 },
  unknownOperation: { aws: 1, other: 1 },
  uploadTimeout: { aws: 3, other: 3 },
  modelTimeout: { aws: 1, other: 1 },
  requestTooLarge: { aws: 1, other: 1 },
  throttled: { aws: 3, other: 3 },
  // AWS SDKs know no header that would tell them not to.
  internal: { aws: 3, other: 1 },
  notImplemented: { aws: 1, other: 1 },
  unavailable: { aws: 3, other: 3 },
  upstreamBroken: { aws: 3, other: 3 },
};

/** A server that refuses everything in the same way, and counts; `call` gets its address. */
async function tryAgainst(failure: Failure, call: (url: string) => Promise<unknown>) {
  let arrived = 0;
  const server = createServer((request, response) => {
    arrived += 1;
    request.resume();
    const { status, headers, body } = errorReply(new ProxyError(failure, 'Text.'), {
      id: 'id',
      url: request.url ?? '',
    });
    response.writeHead(status, headers).end(body[0]);
  });
  const { url, close } = await listen(server);
  const thrown: unknown = await call(url).catch((error: unknown) => error);
  await close();
  return { thrown, arrived };
}

describe('what the AWS SDK makes of a failure', () => {
  it.concurrent.each(failures)('%s', async (failure) => {
    const { thrown, arrived } = await tryAgainst(failure, async (endpoint) => {
      const client = new BedrockRuntimeClient({
        endpoint,
        region: 'us-east-1',
        credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
        requestHandler: new NodeHttpHandler(),
      });
      return client.send(new ConverseCommand({ modelId, messages: [] })).finally(() => client.destroy());
    });
    const [httpStatusCode, name] = FAILURES[failure];
    expect(thrown).toMatchObject({ name, message: 'Text.', $metadata: { httpStatusCode, requestId: 'id' } });
    expect(arrived).toBe(TRIES[failure].aws);
  });
});

describe('what the client of OpenAI makes of a failure', () => {
  const types: Partial<Record<number, string>> = {
    401: 'authentication_error',
    403: 'permission_error',
    429: 'rate_limit_error',
    500: 'server_error',
    501: 'server_error',
    503: 'server_error',
  };

  it.concurrent.each(failures)('%s', async (failure) => {
    const { thrown, arrived } = await tryAgainst(failure, (url) =>
      new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: 'none' }).responses.create({ model: 'm', input: 'hello' }),
    );
    const [status, errorType] = FAILURES[failure];
    const type = types[status] ?? 'invalid_request_error';
    const code = status === 401 ? 'invalid_api_key' : errorType;
    expect(thrown).toMatchObject({ status, message: `${status} Text.`, type, code, param: null });
    expect(arrived).toBe(TRIES[failure].other);
  });
});

describe('what the client of Anthropic makes of a failure', () => {
  const types: Partial<Record<number, string>> = {
    401: 'authentication_error',
    403: 'permission_error',
    404: 'not_found_error',
    408: 'timeout_error',
    413: 'request_too_large',
    429: 'rate_limit_error',
    500: 'api_error',
    501: 'api_error',
    503: 'api_error',
  };

  it.concurrent.each(failures)('%s', async (failure) => {
    const { thrown, arrived } = await tryAgainst(failure, (url) =>
      new Anthropic({ baseURL: `${url}/anthropic`, apiKey: null, authToken: 'none' }).messages.create({
        model: 'm',
        max_tokens: 1,
        messages: [],
      }),
    );
    const [status] = FAILURES[failure];
    const type = types[status] ?? 'invalid_request_error';
    expect(thrown).toMatchObject({ status, type, error: { type: 'error', error: { type, message: 'Text.' } } });
    expect(String(thrown)).toContain('Text.');
    expect(arrived).toBe(TRIES[failure].other);
  });
});

describe('errorReply', () => {
  it('has the form that SDKs read', () => {
    const message = 'Zu groß: "5".';
    const { status, headers, body } = errorReply(new ProxyError('requestTooLarge', message), { id: 'request-1' });
    expect(status).toBe(413);
    expect(JSON.parse(String(body[0]))).toStrictEqual({ message });
    expect(headers).toStrictEqual({
      'content-type': 'application/json',
      'content-length': String(body[0].length),
      'x-amzn-errortype': 'RequestEntityTooLargeException',
      'x-amzn-requestid': 'request-1',
      'x-should-retry': 'false',
    });
  });

  const message = 'Later.';
  const anthropic = { type: 'error', error: { type: 'api_error', message }, message };
  const openai = {
    error: { message, type: 'server_error', code: 'ServiceUnavailableException', param: null },
    message,
  };
  it.each([
    ['/openai/v1/chat/completions', openai],
    ['/openai/v2?x=/anthropic/v1', openai],
    ['/openai', openai],
    ['/mantle/v1/responses', openai],
    ['/mantle//openai/v1', openai],
    ['/mantle/anthropic/v1/messages?beta=true', anthropic],
    ['/mantle/v1x', { message }],
    ['/v1/chat/completions', { message }],
    ['/mantle', { message }],
    ['/openai?x', openai],
    ['//openai/v1/responses', openai],
    ['/anthropic/v1/messages?beta=true', anthropic],
    ['/anthropic/', anthropic],
    ['/openai-like/v1', { message }],
    ['/OpenAI/v1', { message }],
    ['/model/openai/converse', { message }],
    ['/model/a/openai/v1/converse', { message }],
    ['/', { message }],
    ['/?/openai/v1', { message }],
    [undefined, { message }],
  ])('speaks the dialect of %s', (url, expected) => {
    const failed = { id: 'id', ...(url === undefined ? {} : { url }) };
    const { status, headers, body } = errorReply(new ProxyError('unavailable', message), failed);
    expect(JSON.parse(String(body[0]))).toStrictEqual(expected);
    expect(status).toBe(503);
    expect(headers).toMatchObject({ 'x-amzn-errortype': 'ServiceUnavailableException', 'x-should-retry': 'true' });
    expect(headers['content-length']).toBe(String(body[0].length));
  });

  it('tells when to come back', () => {
    const error = new ProxyError('unavailable', 'Later.', { retryAfterSeconds: 7 });
    expect(errorReply(error, { id: 'id' }).headers['retry-after']).toBe('7');
  });

  it('keeps the cause back', () => {
    const { body, headers } = errorReply(new ProxyError('internal', 'No.', { cause: new Error('inside') }), {
      id: 'id',
    });
    expect(body + JSON.stringify(headers)).not.toContain('inside');
  });
});

describe('toProxyError', () => {
  it('leaves a ProxyError as it is', () => {
    const error = new ProxyError('accessDenied', 'No.');
    expect(toProxyError(error)).toBe(error);
  });

  it.each([[new TypeError('secret')], ['secret'], [undefined], [null], [{ message: 'secret' }]])(
    'tells nothing of %j',
    (thrown) => {
      const error = toProxyError(thrown);
      expect(error.failure).toBe('internal');
      expect(error.message).not.toContain('secret');
    },
  );
});
