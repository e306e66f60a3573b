import { describe, expect, it } from 'vitest';

import { retryAfterMs, type Verdict, verdictOf } from '../../../src/aws/verdict.ts';

describe('what an answer tells of the work', () => {
  it.each<[number, string | undefined, Verdict]>([
    [200, undefined, 'worked'],
    [307, undefined, 'worked'],
    [429, 'ThrottlingException', 'refused'],
    [429, 'ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/', 'refused'],
    [400, 'Throttling', 'refused'],
    [429, 'ModelNotReadyException', 'refused'],
    [424, 'ModelNotReadyException', 'refused'],
    [429, undefined, 'refused'],
    [503, 'ServiceUnavailableException', 'refused'],
    [503, 'ServiceUnavailable', 'refused'],
    [200, 'ThrottlingException', 'refused'],
    [503, undefined, 'worked'],
    [500, 'InternalServerException', 'worked'],
    [502, undefined, 'worked'],
    [504, undefined, 'worked'],
    [408, 'ModelTimeoutException', 'worked'],
    [424, 'ModelErrorException', 'worked'],
    [424, 'ModelStreamErrorException', 'worked'],
    [400, 'ValidationException', 'notHere'],
    [400, 'ServiceQuotaExceededException', 'notHere'],
    [403, 'AccessDeniedException', 'notHere'],
    [404, 'ResourceNotFoundException', 'notHere'],
    [413, undefined, 'notHere'],
  ])('%d %s: %s', (status, type, verdict) => {
    expect(verdictOf({ status, headers: type === undefined ? {} : { 'x-amzn-errortype': type } })).toBe(verdict);
  });
});

describe('for how long an answer asks not to be called', () => {
  const now = Date.parse('2026-11-30T10:00:00Z');
  it.each<[string | undefined, number | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['7', 7000],
    ['7.5', undefined],
    ['-1', undefined],
    ['soon', undefined],
    ['Mon, 30 Nov 2026 10:00:30 GMT', 30_000],
    ['Mon, 30 Nov 2026 09:00:00 GMT', 0],
    ['Mon, 99 Nov 2026 09:00:00 GMT', undefined],
  ])('%s: %s', (value, expected) => {
    expect(retryAfterMs({ headers: value === undefined ? {} : { 'retry-after': value } }, now)).toBe(expected);
  });
});
