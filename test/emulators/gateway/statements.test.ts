import { expect, it } from 'vitest';

import { call, CONVERSE, globalPolicy, lastReceived, useHarness, TEAM } from './harness.ts';

const harness = useHarness();

it.each([
  ['override', ['old'], 'new'],
  ['override', ['old', 'older'], 'new'],
  ['override', [], 'new'],
  ['skip', ['old'], 'old'],
  ['skip', [], 'new'],
  ['append', ['old', 'older'], 'old,older,new'],
  ['append', [], 'new'],
  ['delete', ['old', 'older'], undefined],
])('set-header %s of %j', async (action, sent, expected) => {
  const content = action === 'delete' ? '' : '<value>new</value>';
  const inbound = `<set-header name="X-Mixed-Case" exists-action="${action}">${content}</set-header>`;
  const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
  await call(gateway, { headers: { 'api-key': TEAM.key, 'x-mixed-CASE': sent } });
  expect(lastReceived(harness).headers['x-mixed-case']).toBe(expected);
});

it('set-header without an action overrides', async () => {
  const inbound = '<set-header name="accept"><value>new</value></set-header>';
  const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
  await call(gateway, { headers: { 'api-key': TEAM.key, accept: 'old' } });
  expect(lastReceived(harness).headers['accept']).toBe('new');
});

it.each([
  ['delete', 'a=1&b=%20&a=2', 'b=%20'],
  ['delete', '%61=1', ''],
  ['delete', 'A=1&aa=2', 'A=1&aa=2'],
  ['override', 'a=1&b=2&a=3', 'b=2&a=new'],
  ['override', '', 'a=new'],
])('set-query-parameter %s in "%s"', async (action, sent, expected) => {
  const content = action === 'delete' ? '' : '<value>new</value>';
  const inbound = `<set-query-parameter name="a" exists-action="${action}">${content}</set-query-parameter>`;
  const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
  await call(gateway, { target: `${CONVERSE}?${sent}` });
  expect(lastReceived(harness).target).toBe(CONVERSE + (expected === '' ? '' : `?${expected}`));
});

it('choose takes the first branch that holds, and otherwise only without one', async () => {
  const mark = (value: string) => `<set-header name="x-branch"><value>${value}</value></set-header>`;
  const inbound = `<choose>
    <when condition='@(context.User?.Id == "ada")'>${mark('ada')}</when>
    <when condition='@(context.Subscription?.Id == "team-a")'>${mark('team')}</when>
    <otherwise>${mark('other')}</otherwise>
  </choose>`;
  const gateway = await harness.start({
    globalPolicy: globalPolicy({ inbound }),
    subscriptions: [TEAM, { ...TEAM, key: 'b', userId: 'bob' }, { id: 'x', key: 'c' }],
  });
  for (const [key, branch] of [
    [TEAM.key, 'ada'],
    ['b', 'team'],
    ['c', 'other'],
  ] as const) {
    await call(gateway, { headers: { 'api-key': key } });
    expect(lastReceived(harness).headers['x-branch']).toBe(branch);
  }
});

it('return-response ends everything, with a response of its own', async () => {
  const inbound = `<return-response>
    <set-header name="x-a"><value>1</value></set-header>
    <set-header name="x-a" exists-action="append"><value>2</value></set-header>
    <set-body>text</set-body>
  </return-response>`;
  const gateway = await harness.start({ globalPolicy: globalPolicy({ inbound }) });
  const before = harness.backend.requests.length;
  expect(await call(gateway)).toMatchObject({ status: 200, headers: { 'x-a': '1,2' }, body: 'text' });
  expect(harness.backend.requests).toHaveLength(before);
});
