import { describe, expect, it } from 'vitest';

import { awsError, call, lastReceived, useHarness, TEAM } from '../../emulators/gateway/harness.ts';

const harness = useHarness();

describe('refusals of the policy', () => {
  it('401 without a subscription, should the API not require one', async () => {
    const gateway = await harness.start({ keys: { required: false } });
    expect(await call(gateway, { headers: {} })).toEqual(
      awsError(401, 'UnauthorizedException', 'A subscription key is required.'),
    );
  });

  it.each([
    ['Latin-1', 'é'],
    ['UTF-8', Buffer.from('日本', 'utf8').toString('latin1')],
  ])('400 for a header value in %s', async (_charset, value) => {
    const headers = { 'api-key': TEAM.key, 'x-project': ['plain', `in the middle ${value} of it`] };
    expect(await call(await harness.start(), { headers })).toEqual(
      awsError(400, 'ValidationException', 'Header values must be ASCII.'),
    );
  });

  it('not for a header value of every printable ASCII character', async () => {
    const value = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index)).trim();
    expect(await call(await harness.start(), { headers: { 'api-key': TEAM.key, 'x-all': value } })).toMatchObject({
      status: 200,
    });
    expect(lastReceived(harness).headers['x-all']).toBe(value);
  });

  it.each([true, false])('404 for what leads to paths of the host, slashes decoded: %s', async (decodeSlashes) => {
    const gateway = await harness.start({ decodeSlashes, operations: [{ method: 'POST', urlTemplate: '/*' }] });
    const targets = [
      '/admin/host/status',
      '/admin',
      '/ADMIN/host',
      '/%61dmin/host',
      '//admin/host',
      '/runtime/webhooks/x',
      '/model/../admin/host',
      '/model/..%2Fadmin/host',
      '/model/%2e%2e/admin/host',
      '/model/%252e%252e%252fadmin/host',
      '/model/..\\admin',
      '/model/%5C..%5Cadmin',
      '/model/./x/converse',
      '/model/..',
    ];
    for (const target of targets) {
      expect(await call(gateway, { target })).toEqual(awsError(404, 'UnknownOperationException', 'No such operation.'));
    }
  });

  it.each(['/model/admin/converse', '/model/a..b/invoke', '/administration', '/model/endpoint%2Fruntime/converse'])(
    'not for %s',
    async (target) => {
      const gateway = await harness.start({ operations: [{ method: 'POST', urlTemplate: '/*' }] });
      expect(await call(gateway, { target })).toMatchObject({ status: 200 });
    },
  );

  it('413 for a body whose announced length is over the limit', async () => {
    const gateway = await harness.start({ namedValues: { 'bedrock-max-request-bytes': '10' } });
    expect(await call(gateway, { body: '0123456789' })).toMatchObject({ status: 200 });
    expect(await call(gateway, { body: '0123456789+' })).toEqual(
      awsError(413, 'RequestEntityTooLargeException', 'The request body is larger than this gateway accepts.'),
    );
  });

  it('reaches the backend with none of them', async () => {
    const gateway = await harness.start({ keys: { required: false } });
    const before = harness.backend.requests.length;
    await call(gateway, { headers: {} });
    await call(gateway, { headers: { 'api-key': TEAM.key, 'x-a': 'é' } });
    await call(gateway, { target: '/model/..' });
    expect(harness.backend.requests).toHaveLength(before);
    expect(gateway.requests.map(({ forwarded }) => forwarded)).toEqual([undefined, undefined, undefined]);
  });
});
