import { createServer } from 'node:http';

import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { describe, expect, it } from 'vitest';

import { errorReply, type Failure, FAILURES, ProxyError, toProxyError } from '../../src/errors.ts';
import { listen } from '../support/listen.ts';
import { modelId } from '../support/models.ts';

const failures = Object.keys(FAILURES) as Failure[];

describe('what the AWS SDK makes of a failure', () => {
  /** Tries of one call, in which every one gets this failure; nothing that cost Bedrock's work may be tried twice. */
  const tries: Partial<Record<Failure, number>> = {
    uploadTimeout: 3,
    throttled: 3,
    internal: 3,
    unavailable: 3,
    upstreamBroken: 3,
  };

  it.concurrent.each(failures)('%s', async (failure) => {
    let arrived = 0;
    const server = createServer((request, response) => {
      arrived += 1;
      request.resume();
      const { status, headers, body } = errorReply(new ProxyError(failure, 'Text.'), 'id');
      response.writeHead(status, headers).end(body[0]);
    });
    const { url, close } = await listen(server);
    const client = new BedrockRuntimeClient({
      endpoint: url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      requestHandler: new NodeHttpHandler(),
    });
    const thrown: unknown = await client.send(new ConverseCommand({ modelId, messages: [] })).catch((error) => error);
    client.destroy();
    await close();
    const [httpStatusCode, name] = FAILURES[failure];
    expect(thrown).toMatchObject({ name, message: 'Text.', $metadata: { httpStatusCode, requestId: 'id' } });
    expect(arrived).toBe(tries[failure] ?? 1);
  });
});

describe('errorReply', () => {
  it('has the form that SDKs read', () => {
    const message = 'Zu groß: "5".';
    const { status, headers, body } = errorReply(new ProxyError('requestTooLarge', message), 'request-1');
    expect(status).toBe(413);
    expect(JSON.parse(String(body[0]))).toStrictEqual({ message });
    expect(headers).toStrictEqual({
      'content-type': 'application/json',
      'content-length': String(body[0].length),
      'x-amzn-errortype': 'RequestEntityTooLargeException',
      'x-amzn-requestid': 'request-1',
    });
  });

  it('tells when to come back', () => {
    const error = new ProxyError('unavailable', 'Later.', { retryAfterSeconds: 7 });
    expect(errorReply(error, 'id').headers['retry-after']).toBe('7');
  });

  it('keeps the cause back', () => {
    const { body, headers } = errorReply(new ProxyError('internal', 'No.', { cause: new Error('inside') }), 'id');
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
