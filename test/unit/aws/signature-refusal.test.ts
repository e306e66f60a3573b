import { describe, expect, it } from 'vitest';

import { signatureRefusal } from '../../../src/aws/signature-refusal.ts';
import { createAnswerBody } from '../../../src/aws/answer-body.ts';
import type { UpstreamAnswer } from '../../../src/aws/upstream.ts';

interface Given {
  readonly status?: number;
  readonly type?: string;
  readonly chunks?: readonly string[];
  /** What follows the chunks. */
  readonly breaks?: boolean;
}

/** An answer, and what has become of it. */
function answered({ status = 403, type, chunks = [], breaks = false }: Given) {
  const state = { left: chunks.map((chunk) => Buffer.from(chunk)), ended: false, aborted: false };
  const answer: UpstreamAnswer = {
    status,
    headers: { 'x-amzn-requestid': 'r-1', ...(type === undefined ? {} : { 'x-amzn-errortype': type }) },
    async read() {
      const chunk = state.left.shift();
      if (chunk === undefined && breaks) throw new Error('broken');
      state.ended = chunk === undefined;
      return chunk;
    },
    body: createAnswerBody(() => {}),
    abort: () => {
      state.aborted = true;
    },
  };
  return { answer, state };
}

const json = (message: string) => [JSON.stringify({ message })];
const refusalOf = (given: Given) => signatureRefusal(answered(given).answer);

const EXPIRED = 'Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)';
const EARLY =
  'Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z (20260101T000000Z + 5 min.)';
const MISMATCH = 'The request signature we calculated does not match the signature you provided.';

describe('a refusal of the time', () => {
  it.each([
    [403, 'InvalidSignatureException', EXPIRED],
    [403, 'InvalidSignatureException', EARLY],
    [403, 'SignatureDoesNotMatch', EXPIRED],
    [403, 'com.amazon.coral.service#InvalidSignatureException:http://internal.amazon.com/x', EXPIRED],
    [400, 'RequestExpired', 'Request timestamp is too old.'],
    [403, 'RequestExpiredException', ''],
    [403, 'RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.'],
    [403, 'RequestInTheFuture', ''],
  ])('%d %s %s', async (status, type, message) => {
    expect(await refusalOf({ status, type, chunks: json(message) })).toMatchObject({ aboutTime: true, message });
  });
});

describe('a refusal of the keys', () => {
  it.each([
    [403, 'UnrecognizedClientException', 'The security token included in the request is invalid.'],
    [403, 'InvalidSignatureException', MISMATCH],
    [403, 'InvalidSignatureException', 'Credential should be scoped to a valid region.'],
    // Not the signature has expired, but the session.
    [403, 'ExpiredTokenException', 'The security token included in the request is expired'],
    [403, 'ExpiredToken', 'The provided token has expired.'],
    [403, 'InvalidClientTokenId', 'The security token included in the request is invalid.'],
    [401, 'UnrecognizedClientException', ''],
  ])('%d %s %s', async (status, type, message) => {
    expect(await refusalOf({ status, type, chunks: json(message) })).toMatchObject({
      aboutTime: false,
      message,
      requestId: 'r-1',
    });
  });
});

describe('no refusal of a signature, and not read', () => {
  it.each([
    [403, 'AccessDeniedException'],
    [403, undefined],
    [401, 'UnauthorizedException'],
    [400, 'ValidationException'],
    [429, 'ThrottlingException'],
    [200, 'InvalidSignatureException'],
    [500, 'InvalidSignatureException'],
    [403, 'ExceptionInvalidSignature'],
  ])('%d %s', async (status, type) => {
    const { answer, state } = answered({
      status,
      ...(type === undefined ? {} : { type }),
      chunks: json(EXPIRED),
    });
    expect(await signatureRefusal(answer)).toBeUndefined();
    expect(state).toMatchObject({ left: [expect.anything()], aborted: false });
  });
});

describe('the words of AWS', () => {
  const type = 'InvalidSignatureException';

  it('are read to their end, in whatever pieces', async () => {
    const [text = ''] = json(EXPIRED);
    const { answer, state } = answered({ type, chunks: [...text] });
    expect(await signatureRefusal(answer)).toMatchObject({ code: type, message: EXPIRED, aboutTime: true });
    expect(state).toMatchObject({ ended: true, aborted: false });
  });

  it('end before the canonical request, which holds the session token', async () => {
    const words = `${MISMATCH}\n\nThe Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:SECRET`;
    expect(await refusalOf({ type, chunks: json(words) })).toMatchObject({ message: MISMATCH });
  });

  it('have a capital letter at some front ends', async () => {
    expect(await refusalOf({ type, chunks: ['{"Message":"No."}'] })).toMatchObject({ message: 'No.' });
  });

  it('are cut where they are long', async () => {
    expect((await refusalOf({ type, chunks: json('x'.repeat(5000)) }))?.message).toHaveLength(300);
  });

  it.each<[string, Given]>([
    ['no JSON', { chunks: ['<html>'] }],
    ['no message', { chunks: ['{}'] }],
    ['no text', { chunks: ['{"message":{"x":1}}'] }],
    ['none', {}],
  ])('%s', async (_name, given) => {
    expect(await refusalOf({ type, ...given })).toMatchObject({ code: type, message: '', aboutTime: false });
  });

  it.each<[string, Given]>([
    ['break off', { chunks: ['{"message":'], breaks: true }],
    ['have no end', { chunks: Array.from({ length: 200 }, () => 'x'.repeat(1024)) }],
  ])('%s: left', async (_name, given) => {
    const { answer, state } = answered({ type, ...given });
    expect(await signatureRefusal(answer)).toMatchObject({ code: type, message: '' });
    expect(state.aborted).toBe(true);
  });
});
