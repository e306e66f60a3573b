import type { Readable } from 'node:stream';

import { app } from '@azure/functions';
import { Pool } from 'undici';

/**
 * The floor: the least that an HTTP function can do between a client and an upstream. It forwards method, path, a few
 * headers and both bodies as streams, and neither reads, checks, signs nor logs anything.
 */
const upstream = new Pool(process.env['UPSTREAM'] ?? '');
const REQUEST_HEADERS = ['accept', 'content-length', 'content-type', 'user-agent'];
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

app.setup({ enableHttpStream: true });

app.http('forward', {
  methods: ['POST'],
  authLevel: 'function',
  route: '{*path}',
  async handler(request) {
    const { pathname, search } = new URL(request.url);
    const headers: Record<string, string> = {};
    for (const name of REQUEST_HEADERS) {
      const value = request.headers.get(name);
      if (value !== null) headers[name] = value;
    }
    const answer = await upstream.request({
      method: 'POST',
      path: pathname + search,
      headers,
      // undici takes whatever can be iterated; its types name streams of Node only, and a conversion would cost.
      body: request.body as unknown as Readable,
    });
    const returned: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (!HOP_BY_HOP.has(name)) returned[name] = String(value);
    }
    return { status: answer.statusCode, headers: returned, body: answer.body };
  },
});
