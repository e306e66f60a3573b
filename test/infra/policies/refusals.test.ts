import { describe, expect, it } from 'vitest';

import { exchange } from '../../fuzz/connection.ts';
import { awsError, call, lastReceived, useHarness, TEAM } from '../../emulators/gateway/harness.ts';

/** What Kestrel lets through in a value, and Node's strict parser does not. */
const CONTROL_CHARACTERS = [...Array.from({ length: 31 }, (_, index) => index + 1), 127].filter(
  (code) => !'\t\n\r'.includes(String.fromCharCode(code)),
);

const harness = useHarness();

describe('refusals of the policy', () => {
  it('401 without a subscription, should the API not require one', async () => {
    const gateway = await harness.start({ keys: { required: false } });
    expect(await call(gateway, { headers: {} })).toEqual(
      awsError(
        401,
        'UnauthorizedException',
        'No subscription key was sent. Send it as header api-key or, where the gateway accepts that, as bearer token; x-api-key is not read.',
      ),
    );
  });

  it.each<readonly [string, string]>([
    ['Latin-1', 'é'],
    ['UTF-8', Buffer.from('日本', 'utf8').toString('latin1')],
    ...CONTROL_CHARACTERS.map((code) => [`0x${code.toString(16)}`, String.fromCharCode(code)] as const),
  ])('400 for a header value in %s', async (_charset, value) => {
    const gateway = await harness.start({ lenientParser: true });
    const lines = [`Host: x`, `api-key: ${TEAM.key}`, 'x-project: plain', `x-project: in the middle ${value} of it`];
    const request = `POST /bedrock/model/x/converse HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`;
    const { status, body, headers } = (await exchange(gateway.port, Buffer.from(request, 'latin1'))) ?? {};
    expect({ status, body, headers }).toEqual(
      awsError(400, 'ValidationException', 'Header values must be printable ASCII.'),
    );
  });

  it('not for a header value of every printable ASCII character and a tab', async () => {
    const value = `${String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index)).trim()}\tx`;
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
      expect(await call(gateway, { target })).toEqual(
        awsError(
          404,
          'UnknownOperationException',
          'Paths with dot segments, and those that begin with admin or runtime, are not served.',
        ),
      );
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
