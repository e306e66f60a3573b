import { afterAll, beforeAll, expect, it } from 'vitest';

import { type ResourceManager, startResourceManager } from './resource-manager.ts';

let azure: ResourceManager;
beforeAll(async () => {
  azure = await startResourceManager();
});
afterAll(() => azure.close());

const ask = async (path: string, token = azure.token) => {
  const response = await fetch(azure.url + path, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const VERSION = 'api-version=2024-01-01';

it('answers what it holds, whatever the case, to its token and with a version', async () => {
  azure.hold('/subscriptions/1/resourceGroups/rg', { name: 'rg' });
  expect(await ask(`/subscriptions/1/resourcegroups/RG?${VERSION}`)).toStrictEqual({
    status: 200,
    body: { name: 'rg' },
  });
  expect(await ask('/subscriptions/1/resourceGroups/rg')).toMatchObject({
    status: 400,
    body: { error: { code: 'MissingApiVersionParameter' } },
  });
  expect(await ask(`/subscriptions/1/resourceGroups/rg?${VERSION}`, 'another')).toMatchObject({ status: 401 });
  expect(await ask(`/subscriptions/1/resourceGroups/other?${VERSION}`)).toMatchObject({
    status: 404,
    body: { error: { code: 'ResourceNotFound' } },
  });
});

it('gives lists in pages', async () => {
  const all = Array.from({ length: 4 }, (_, index) => ({ name: String(index) }));
  azure.hold('/subscriptions/1/list', all);
  const first = await ask(`/subscriptions/1/list?${VERSION}`);
  expect(first.body['value']).toStrictEqual(all.slice(0, 3));
  const next = new URL(String(first.body['nextLink']));
  expect((await ask(next.pathname + next.search)).body).toStrictEqual({ value: all.slice(3) });
});

it('refuses what is forbidden, forgets what is removed', async () => {
  azure.hold('/subscriptions/1/a/b', { name: 'b' });
  azure.hold('/subscriptions/1/c', { name: 'c' });
  azure.forbid('/subscriptions/1/a');
  expect(await ask(`/subscriptions/1/a/b?${VERSION}`)).toMatchObject({ status: 403 });
  azure.remove('/subscriptions/1/c');
  expect(await ask(`/subscriptions/1/c?${VERSION}`)).toMatchObject({ status: 404 });
});
