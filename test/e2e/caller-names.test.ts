import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { call } from '../support/chain-calls.ts';
import { converse } from '../support/models.ts';

const TEAM = {
  id: 'team-a',
  name: 'Ada Lovelace',
  key: 'key-of-team-a',
  productId: 'assistants',
  userId: 'ada@example.com',
};
const KEY = 'a key that only the operator knows';
const IDS = { subscriptionId: 'team-a', productId: 'assistants' };

describe.each([
  ['full', {}, { subscriptionName: TEAM.name, userId: TEAM.userId }],
  ['none', { CALLER_NAMES: 'none' }, {}],
  [
    'hashed',
    { CALLER_NAMES: 'hashed', CALLER_NAMES_KEY: KEY },
    { subscriptionName: expect.stringMatching(/^[0-9a-f]{32}$/), userId: expect.stringMatching(/^[0-9a-f]{32}$/) },
  ],
])('names of callers: %s', (mode, settings, names: { subscriptionName?: unknown; userId?: unknown }) => {
  let chain: Chain;
  let record: Record<string, unknown>;
  beforeAll(async () => {
    chain = await startChain({
      subscriptions: [TEAM],
      telemetry: 'otlp',
      settings: { REQUEST_METADATA: 'true', ...settings },
    });
    ({ record } = await call(chain, converse));
    await chain.host.stop();
  });
  afterAll(() => chain.close());

  it('in the record', () => {
    const { subscriptionName, userId } = record;
    expect(record).toMatchObject(IDS);
    expect({ subscriptionName, userId }).toStrictEqual({ subscriptionName: undefined, userId: undefined, ...names });
  });

  it('in metrics and spans', () => {
    const span = chain.collector.spans.find(({ kind }) => kind === 'internal');
    const [point] = chain.collector.latest('bedrock.proxy.requests');
    for (const attributes of [span?.attributes, point?.attributes]) {
      expect(attributes?.['apim.subscription.id']).toBe(IDS.subscriptionId);
      expect(attributes?.['apim.subscription.name']).toStrictEqual(names.subscriptionName);
    }
  });

  it('nowhere else', () => {
    const told = [...chain.host.logs.map(({ message }) => message), ...chain.collector.bodies].join('\n');
    expect(told.includes(TEAM.name)).toBe(mode === 'full');
    expect(told.includes(TEAM.userId)).toBe(mode === 'full');
    expect(told).not.toContain(KEY);
  });

  it('request metadata has the ids all the same, and never the names', () => {
    expect(chain.bedrock.requests.map(({ requestMetadata }) => requestMetadata)).toStrictEqual([IDS]);
  });
});
