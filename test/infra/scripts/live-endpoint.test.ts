import { afterEach, describe, expect, it } from 'vitest';

import { troubleOf } from '../../../infra/scripts/live-endpoint.ts';
import { type Answer, type Endpoint, startJsonServer } from '../../emulators/azure/json-server.ts';

let endpoint: Endpoint | undefined;
afterEach(() => endpoint?.close());

const NOT_ACCEPTED = { message: 'AWS does not accept the credentials of this proxy.' };
const NOT_ALLOWED = { message: 'User: arn:aws:iam::1:user/p is not authorized to perform: bedrock:ListAsyncInvokes' };

describe('an endpoint', () => {
  it.each<[string, number, Answer, Answer, string | undefined]>([
    ['is well when AWS has answered', 2, { status: 200, body: {} }, { status: 200, body: {} }, undefined],
    ['is well when IAM denies the call', 2, { status: 403, body: NOT_ALLOWED }, { status: 200, body: {} }, undefined],
    ['is not when AWS refuses its keys', 1, { status: 503, body: NOT_ACCEPTED }, { status: 200, body: {} }, '503'],
    ['is not when the gateway refuses the call', 1, { status: 403, body: {} }, { status: 200, body: {} }, '403'],
    [
      'is not when its health is not',
      2,
      { status: 200, body: {} },
      { status: 503, body: NOT_ACCEPTED },
      '/health: 503',
    ],
  ])('%s', async (_, questions, call, health, trouble) => {
    endpoint = await startJsonServer(({ url }) => (url.pathname === '/bedrock/health' ? health : call));
    const said = await troubleOf(`${endpoint.url}/bedrock/`, 'a-key');
    expect(said ?? '').toContain(trouble ?? '');
    expect(said === undefined).toBe(trouble === undefined);
    const { requests } = endpoint;
    // The status counts only after a call that AWS had to accept.
    expect(requests.map(({ url }) => url.pathname)).toStrictEqual(
      ['/bedrock/async-invoke', '/bedrock/health'].slice(0, questions),
    );
    expect(requests.map(({ headers }) => headers['api-key'])).toStrictEqual(requests.map(() => 'a-key'));
  });

  it('is not well when it cannot be reached', async () => {
    endpoint = await startJsonServer(() => ({ status: 200, body: {} }));
    endpoint.outage(true);
    expect(await troubleOf(endpoint.url, 'a-key')).toContain('cannot be reached');
  });
});
