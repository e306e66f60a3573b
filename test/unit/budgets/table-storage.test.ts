import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { amountsOf } from '../../../src/budgets/amounts.ts';
import { accountKey } from '../../../src/budgets/keys.ts';
import { type Page, readAll, type Row } from '../../../src/budgets/store.ts';
import { createTableStore } from '../../../src/budgets/table-storage.ts';
import { type ManagedIdentity, startManagedIdentity } from '../../emulators/azure/managed-identity.ts';
import { startTableStorage, type TableStorage } from '../../emulators/azure/table-storage.ts';

let identity: ManagedIdentity;
let storage: TableStorage;
beforeAll(async () => {
  identity = await startManagedIdentity();
  Object.assign(process.env, identity.environment);
});
beforeEach(async () => {
  storage = await startTableStorage({ identity, pageSize: 2 });
  return storage.close;
});
afterAll(() => identity.close());

const { signal } = new AbortController();
const amounts = amountsOf({ inputTokens: 3, outputTokens: 4 }, 9_007_199_254_740_991);
const row = (hour: string, instance: string, account = 'subscription:a'): Row => ({ account, hour, instance, amounts });
const tableStore = () =>
  createTableStore({ uri: `${storage.tableUrl}/`, managedIdentity: true, identityClientId: randomUUID() });

it('writes a row, writes it anew, and reads it', async () => {
  const store = tableStore();
  const etag = await store.write(row('2026-11-30T08', 'one'), undefined, signal);
  const later = await store.write(row('2026-11-30T08', 'one'), etag, signal);
  expect(later).not.toBe(etag);
  expect(await store.read('subscription:a', { after: '2026-11-30T07' }, signal)).toStrictEqual({
    rows: [{ ...row('2026-11-30T08', 'one'), etag: later }],
    next: undefined,
  });
});

it('says so when another version is there', async () => {
  const store = tableStore();
  const etag = await store.write(row('2026-11-30T08', 'one'), undefined, signal);
  expect(await store.write(row('2026-11-30T08', 'one'), undefined, signal)).toBeUndefined();
  await store.write(row('2026-11-30T08', 'one'), etag, signal);
  expect(await store.write(row('2026-11-30T08', 'one'), etag, signal)).toBeUndefined();
  expect(await store.write(row('2026-11-30T09', 'one'), etag, signal)).toBeUndefined();
});

describe('reads the hours and the account that it is asked for', () => {
  const HOURS = ['2026-10-31T23', '2026-11-01T00', '2026-11-30T07', '2026-11-30T08', '2026-12-01T00'];
  let store: ReturnType<typeof tableStore>;
  beforeEach(async () => {
    store = tableStore();
    for (const hour of HOURS) await store.write(row(hour, 'one'), undefined, signal);
    await store.write(row('2026-11-30T08', 'one', 'subscription:b'), undefined, signal);
  });
  const hoursOf = ({ rows }: Page) => rows.map(({ hour }) => hour);

  it('page by page', async () => {
    const page = await store.read('subscription:a', { after: '2026-11-01T00' }, signal);
    expect(hoursOf(page)).toStrictEqual(['2026-11-01T00', '2026-11-30T07']);
    expect(page.next).toBe('2026-11-30T07_one');
    const rest = await store.read('subscription:a', { after: page.next ?? '' }, signal);
    expect(hoursOf(rest)).toStrictEqual(['2026-11-30T08', '2026-12-01T00']);
    expect(rest.next).toBeUndefined();
    expect(storage.requests.filter(({ method }) => method === 'GET')).toHaveLength(2);
    const all = await readAll(store, 'subscription:a', { after: '2026-10-01T00', before: '2026-12-01T00' }, signal);
    expect(all.map(({ hour }) => hour)).toStrictEqual(HOURS.slice(0, 4));
  });

  it('beyond an answer without rows, as the service gives one when its time is up, but not for ever', async () => {
    const range = { after: '2026-11-01T00' };
    let answers = 0;
    storage.onRequest(() => ((answers += 1) === 1 ? { kind: 'empty' } : undefined));
    expect(hoursOf(await store.read('subscription:a', range, signal))).toStrictEqual([
      '2026-11-01T00',
      '2026-11-30T07',
    ]);
    expect(answers).toBe(2);
    storage.onRequest(() => ({ kind: 'empty' }));
    await expect(store.read('subscription:a', range, signal)).rejects.toThrow('does not end');
  });

  it('up to an hour, and goes on up to a later one', async () => {
    const page = await store.read('subscription:a', { after: '2026-10-31T00', before: '2026-11-30T07' }, signal);
    expect(hoursOf(page)).toStrictEqual(['2026-10-31T23', '2026-11-01T00']);
    expect(page.next).toBeUndefined();
    const rest = await store.read('subscription:a', { after: '2026-11-30T07', before: '2026-11-30T08' }, signal);
    expect(hoursOf(rest)).toStrictEqual(['2026-11-30T07']);
  });
});

describe('an account may have any name', () => {
  const long = 'x'.repeat(5000);
  it.each([
    ['subscription:Team A/ä\'"%?#\\\n', 'subscription:Team=20A=2F=C3=A4=27=22=25=3F=23=5C=0A'],
    ['product:', 'product:'],
    ['subscription:\ud800', 'subscription:=EF=BF=BD'],
  ])('%j', async (account, key) => {
    expect(accountKey(account)).toBe(key);
    const store = tableStore();
    const etag = await store.write(row('2026-11-30T08', 'one', account), undefined, signal);
    expect(await store.write(row('2026-11-30T08', 'one', account), etag, signal)).toBeDefined();
    expect(await store.read(account, { after: '2026-11-30T08' }, signal)).toMatchObject({ rows: [{ account }] });
  });

  it('a long one too', () => {
    expect(accountKey(`${long}a`)).toHaveLength(400);
    expect(accountKey(`${long}a`)).not.toBe(accountKey(`${long}b`));
  });
});

describe('fails with what the service says, and no more', () => {
  it.each([
    [503, 'The table has answered 503 ServerBusy', 7],
    [429, 'The table has answered 429 ServerBusy', 7],
    [500, 'The table has answered 500 InternalError', 7],
  ] as const)('%i', async (status, message, retryAfterSeconds) => {
    storage.onRequest(() => ({ kind: 'status', status, retryAfterSeconds }));
    const store = tableStore();
    const failure = expect.objectContaining({ message, retryAfterSeconds });
    await expect(store.read('a', { after: '2026-11-30T08' }, signal)).rejects.toThrow(failure);
    await expect(store.write(row('2026-11-30T08', 'one'), undefined, signal)).rejects.toThrow(failure);
  });

  it('no role, no table', async () => {
    storage.revokeRole();
    await expect(tableStore().read('a', { after: '2026' }, signal)).rejects.toThrow(
      '403 AuthorizationPermissionMismatch',
    );
    storage.grantRole();
    const store = createTableStore({ uri: `${storage.tableUrl}2`, managedIdentity: true });
    await expect(store.read('a', { after: '2026' }, signal)).rejects.toThrow('404 TableNotFound');
  });

  it('when it is told to give up', async () => {
    storage.hang(true);
    const controller = new AbortController();
    const reading = tableStore().read('a', { after: '2026' }, controller.signal);
    await storage.nextRequest();
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    storage.hang(false);
  });
});
