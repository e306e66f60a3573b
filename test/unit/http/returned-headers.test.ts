import { describe, expect, it } from 'vitest';

import { returnedHeaders } from '../../../src/http/returned-headers.ts';

describe('returnedHeaders', () => {
  it('returns everything but the fields of the connection', () => {
    const end = { date: 'Mon', 'x-amzn-requestid': 'r', 'content-length': '3', 'content-encoding': 'gzip', 'x-a': 'b' };
    expect({
      ...returnedHeaders({
        ...end,
        connection: 'keep-alive, X-Hop',
        'keep-alive': 'timeout=5',
        'proxy-authenticate': 'x',
        te: 'trailers',
        trailer: 'x',
        'transfer-encoding': 'chunked',
        upgrade: 'h2c',
        'x-hop': '1',
      }),
    }).toStrictEqual(end);
  });

  it('keeps a repeated field apart', () => {
    expect({ ...returnedHeaders({ 'set-cookie': ['a=1', 'b=2'] }) }).toStrictEqual({ 'set-cookie': ['a=1', 'b=2'] });
  });
});
