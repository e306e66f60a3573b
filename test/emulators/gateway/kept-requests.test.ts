import { expect, test } from 'vitest';

import { call, useHarness } from './harness.ts';

const harness = useHarness();

test.each([
  [0, []],
  [1, ['/bedrock/model/5']],
  [4, ['/bedrock/model/4', '/bedrock/model/5']],
  [undefined, [1, 2, 3, 4, 5].map((number) => `/bedrock/model/${number}`)],
])('of at most %j requests the latest are kept', async (mostRequests, expected) => {
  const gateway = await harness.start(mostRequests === undefined ? {} : { mostRequests });
  for (const number of [1, 2, 3, 4, 5]) await call(gateway, { target: `/model/${number}` });
  expect(gateway.requests.map(({ target }) => target)).toEqual(expected);
});

test('each request that is forwarded is told before its answer', async () => {
  const told: string[] = [];
  const gateway = await harness.start({
    onForward: ({ target, forwarded }) => told.push(`to ${target} as ${forwarded?.target}`),
    onAnswer: ({ target }) => told.push(`from ${target}`),
  });
  await call(gateway, { target: '/model/1' });
  await call(gateway, { target: '/nothing' });
  expect(told).toEqual(['to /bedrock/model/1 as /model/1', 'from /bedrock/model/1', 'from /bedrock/nothing']);
});

test('each answer is told with its request, forwarded or not', async () => {
  const told: [target: string, forwarded: boolean, status: number][] = [];
  const gateway = await harness.start({
    onAnswer: ({ target, forwarded }, { status }) => told.push([target, forwarded !== undefined, status]),
  });
  await call(gateway, { target: '/model/1' });
  await call(gateway, { target: '/model/2', headers: {} });
  await call(gateway, { target: '/nothing' });
  expect(told).toEqual([
    ['/bedrock/model/1', true, 200],
    ['/bedrock/model/2', false, 401],
    ['/bedrock/nothing', false, 404],
  ]);
});
