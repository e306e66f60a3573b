import { describe, expect, it } from 'vitest';

import { forwardedHeaders } from '../../../src/proxy/forwarded-headers.ts';

describe('forwardedHeaders', () => {
  it('signs what belongs to the request, sends what describes the client, drops the rest', () => {
    const { signed, unsigned } = forwardedHeaders({
      accept: 'application/json',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a, b',
      'x-amzn-bedrock-guardrailidentifier': 'g1',
      'x-amz-source-arn': 'arn:aws:x',
      'x-amz-user-agent': 'aws-sdk-js/3',
      'user-agent': 'curl',
      'x-amzn-trace-id': 'Root=1',
      'amz-sdk-invocation-id': 'i',
      'amz-sdk-request': 'attempt=1',
    });
    expect(Object.keys(signed).toSorted()).toStrictEqual([
      'accept',
      'anthropic-beta',
      'anthropic-version',
      'content-encoding',
      'content-type',
      'x-amz-source-arn',
      'x-amz-user-agent',
      'x-amzn-bedrock-guardrailidentifier',
    ]);
    expect(Object.keys(unsigned).toSorted()).toStrictEqual([
      'amz-sdk-invocation-id',
      'amz-sdk-request',
      'user-agent',
      'x-amzn-trace-id',
    ]);
  });

  it.each([
    'accept-encoding',
    'api-key',
    'authorization',
    'client-ip',
    'connection',
    'content-length',
    'cookie',
    'disguised-host',
    'expect',
    'host',
    'max-forwards',
    'ocp-apim-subscription-key',
    'te',
    'traceparent',
    'transfer-encoding',
    'via',
    'x-amz-api-version',
    'x-amz-content-sha256',
    'x-amz-date',
    'x-amz-security-token',
    'x-amzn-requestid',
    'x-arr-log-id',
    'x-forwarded-for',
    'x-functions-key',
    'x-gateway-subscription-id',
    'x-ms-client-principal',
    'x-ms-invocation-id',
    'x-original-url',
    'x-waws-unencoded-url',
    'constructor',
    // AWS drops names with an underscore before it verifies.
    'x-amzn-bedrock-guardrail_identifier',
    'x_amzn_trace_id',
  ])('%s stays here', (name) => {
    expect(forwardedHeaders({ [name]: 'value' })).toStrictEqual({ signed: {}, unsigned: {} });
  });

  it('what an operation takes besides goes on, signed', () => {
    const headers = { 'mcp-session-id': 'a', mcp: 'b', 'x-mcp-name': 'c', 'mcp-na_me': 'd' };
    expect(forwardedHeaders(headers, 'mcp-')).toStrictEqual({ signed: { 'mcp-session-id': 'a' }, unsigned: {} });
    expect(forwardedHeaders(headers)).toStrictEqual({ signed: {}, unsigned: {} });
  });

  it.each(['caf\u00e9', 'a\u0000b', 'a\u007f'])('refuses the value %j', (value) => {
    expect(() => forwardedHeaders({ 'content-type': value })).toThrow(
      expect.objectContaining({ failure: 'invalidRequest' }),
    );
  });

  it('a value that stays here may be anything', () => {
    expect(forwardedHeaders({ 'x-other': 'caf\u00e9' }).signed).toStrictEqual({});
  });
});
