import { describe, expect, it } from 'vitest';

import { errorReply, type Failure, ProxyError, toProxyError } from '../../src/errors.ts';

describe('failures', () => {
  it.each<[Failure, number, string]>([
    ['invalidRequest', 400, 'ValidationException'],
    ['unauthorized', 401, 'UnauthorizedException'],
    ['accessDenied', 403, 'AccessDeniedException'],
    ['unknownOperation', 404, 'UnknownOperationException'],
    ['uploadTimeout', 408, 'RequestTimeoutException'],
    ['modelTimeout', 408, 'ModelTimeoutException'],
    ['requestTooLarge', 413, 'RequestEntityTooLargeException'],
    ['throttled', 429, 'ThrottlingException'],
    ['internal', 500, 'InternalServerException'],
    ['notImplemented', 501, 'NotImplementedException'],
    ['unavailable', 503, 'ServiceUnavailableException'],
    ['upstreamBroken', 503, 'ServiceUnavailableException'],
  ])('%s is %i %s', (failure, status, errorType) => {
    const error = new ProxyError(failure, 'Text.');
    expect(error).toMatchObject({ failure, status, errorType, message: 'Text.', retryAfterSeconds: undefined });
    const reply = errorReply(error, 'id');
    expect(reply.status).toBe(status);
    expect(reply.headers['x-amzn-errortype']).toBe(errorType);
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
