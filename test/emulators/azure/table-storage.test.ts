import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type ManagedIdentity, startManagedIdentity } from './managed-identity.ts';
import { startTableStorage, type TableStorage } from './table-storage.ts';

let identity: ManagedIdentity;
let storage: TableStorage;
beforeAll(async () => {
  identity = await startManagedIdentity();
});
beforeEach(async () => {
  storage = await startTableStorage({ identity, pageSize: 2 });
  return storage.close;
});
afterAll(() => identity.close());

async function tokenFor(resource: string): Promise<string> {
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = identity.environment;
  const response = await fetch(`${IDENTITY_ENDPOINT}?api-version=2019-08-01&resource=${resource}`, {
    headers: { 'x-identity-header': IDENTITY_HEADER },
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

type Sent = { method?: string; headers?: Record<string, string>; body?: object | string; resource?: string };

async function send(path: string, { method, headers, body, resource = 'https://storage.azure.com' }: Sent = {}) {
  const response = await fetch(storage.tableUrl + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      accept: 'application/json;odata=minimalmetadata',
      authorization: `Bearer ${await tokenFor(resource)}`,
      prefer: 'return-no-content',
      'x-ms-date': new Date().toUTCString(),
      'x-ms-version': '2020-12-06',
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const code = response.headers.get('x-ms-error-code');
  return { status: response.status, code, headers: response.headers, text };
}

const entity = (row: string, tokens = '1') => ({
  PartitionKey: 'a',
  RowKey: row,
  tokens,
  'tokens@odata.type': 'Edm.Int64',
});
const query = (filter: string, more: Record<string, string> = {}) =>
  send(`()?${new URLSearchParams({ $filter: filter, ...more })}`);
const at = (row: string) => `(PartitionKey='a',RowKey='${row}')`;

/** What Azurite 3.37 answers to the same requests, but for the lines of the next group: test/budgets/README.md. */
describe('answers as the service', () => {
  it('writes by versions', async () => {
    const inserted = await send('', { body: entity('1') });
    expect(inserted).toMatchObject({ status: 204, text: '' });
    const etag = inserted.headers.get('etag') ?? '';
    expect(etag).toMatch(/^W\/"datetime'2026-.*'"$/);
    expect(await send('', { body: entity('1') })).toMatchObject({ status: 409, code: 'EntityAlreadyExists' });
    const put = (row: string) =>
      send(at(row), { method: 'PUT', headers: { 'if-match': etag }, body: entity(row, '2') });
    const updated = await put('1');
    expect(updated.status).toBe(204);
    expect(await put('1')).toMatchObject({ status: 412, code: 'UpdateConditionNotSatisfied' });
    expect(await put('2')).toMatchObject({ status: 404, code: 'ResourceNotFound' });
    const { value } = JSON.parse((await query("PartitionKey eq 'a'")).text);
    expect(value).toStrictEqual([
      { 'odata.etag': updated.headers.get('etag'), Timestamp: expect.any(String), ...entity('1', '2') },
    ]);
  });

  it('gives pages, in the order of the keys, and says where to go on', async () => {
    for (const row of ['3', '1', '5', '2', '4']) await send('', { body: entity(row) });
    await send('', { body: { ...entity('9'), PartitionKey: 'b' } });
    const rows: string[] = [];
    let next: Record<string, string> | undefined = {};
    while (next !== undefined) {
      const { headers, text } = await query("PartitionKey eq 'a' and RowKey ge '2'", next);
      rows.push(
        JSON.parse(text)
          .value.map(({ RowKey }: { RowKey: string }) => RowKey)
          .join(' '),
      );
      const partition = headers.get('x-ms-continuation-nextpartitionkey');
      const row = headers.get('x-ms-continuation-nextrowkey') ?? '';
      next = partition === null ? undefined : { NextPartitionKey: partition, NextRowKey: row };
    }
    expect(rows).toStrictEqual(['2 3', '4 5']);
  });

  it.each<[string, number, string, Sent, string?]>([
    ['another table', 404, 'TableNotFound', { body: entity('1') }, 's'],
    ['a token that is none', 403, 'AuthenticationFailed', { headers: { authorization: 'Bearer x' } }],
    ['a token for another service', 403, 'AuthenticationFailed', { resource: 'https://vault.azure.net' }],
  ])('refuses %s with %i %s', async (_what, status, code, sent, path = '') => {
    expect(await send(path, sent)).toMatchObject({ status, code });
  });
});

describe('is strict where Azurite is not', () => {
  it.each<[string, number, string, Sent, string?]>([
    ['no JSON', 400, 'InvalidInput', { body: '{' }],
    ['a key that is none', 400, 'OutOfRangeInput', { body: { ...entity('1'), PartitionKey: 'a/b' } }],
    ['no token', 401, 'NoAuthenticationInformation', { headers: { authorization: '' } }],
    ['a version without tokens', 400, 'InvalidHeaderValue', { headers: { 'x-ms-version': '2019-02-02' } }],
    ['an old date', 403, 'AuthenticationFailed', { headers: { 'x-ms-date': 'Mon, 30 Nov 2020 00:00:00 GMT' } }],
    ['a number that is none', 400, 'InvalidInput', { body: entity('1', 'x') }],
    ['a write over whatever is there', 501, 'NotImplemented', { method: 'PUT', body: entity('1') }, at('1')],
    ['a query of all partitions', 400, 'InvalidInput', {}, "()?$filter=RowKey ge '1'"],
    ['another format', 415, 'AtomFormatNotSupported', { headers: { accept: '*/*' } }],
  ])('refuses %s with %i %s', async (_what, status, code, sent, path = '') => {
    expect(await send(path, sent)).toMatchObject({ status, code });
  });

  it('asks for the role', async () => {
    storage.revokeRole();
    expect(await send('()')).toMatchObject({ status: 403, code: 'AuthorizationPermissionMismatch' });
    storage.grantRole();
    expect((await query("PartitionKey eq 'a'")).status).toBe(200);
  });
});

describe('faults', () => {
  it('a write that is done and not told, and one that is done later', async () => {
    storage.onRequest(() => ({ kind: 'after' }));
    expect((await send('', { body: entity('1') })).status).toBe(500);
    expect(storage.all()).toHaveLength(1);
    storage.onRequest(() => ({ kind: 'late' }));
    expect((await send('', { body: entity('2') })).status).toBe(500);
    expect(storage.all()).toHaveLength(1);
    storage.doLate();
    expect(storage.all()).toHaveLength(2);
  });

  it('a refusal, an old copy', async () => {
    storage.onRequest(() => ({ kind: 'status', status: 503, retryAfterSeconds: 7 }));
    const refused = await query("PartitionKey eq 'a'");
    expect([refused.status, refused.code, refused.headers.get('retry-after')]).toStrictEqual([503, 'ServerBusy', '7']);
    storage.onRequest(() => undefined);
    await send('', { body: entity('1') });
    storage.onRequest(() => ({ kind: 'stale' }));
    expect(JSON.parse((await query("PartitionKey eq 'a'")).text).value).toStrictEqual([]);
    storage.onRequest(() => undefined);
    expect(JSON.parse((await query("PartitionKey eq 'a'")).text).value).toHaveLength(1);
  });
});
