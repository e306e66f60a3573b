import { describe, expect, it } from 'vitest';

import { call, CONVERSE, TEAM, useHarness } from '../../emulators/gateway/harness.ts';
import { readPolicy } from '../../emulators/gateway/policy-file.ts';

const harness = useHarness();

describe('the product of the availability test', () => {
  const start = async () => harness.start({ productPolicy: await readPolicy('health-only.xml') });

  it('lets its key ask for /health', async () => {
    const gateway = await start();
    expect(await call(gateway, { method: 'GET', target: '/health' })).toMatchObject({ status: 200 });
    expect(harness.backend.requests).toHaveLength(1);
  });

  it.each([
    ['POST', CONVERSE],
    ['POST', '/openai/v1/chat/completions'],
    ['GET', '/async-invoke'],
    ['GET', '/usage'],
    // These end like it, and would be signed for AWS.
    ['GET', '/foundation-models/health'],
    ['GET', '/inference-profiles/health'],
    ['GET', '/async-invoke/health'],
    ['GET', '/openai/v1/responses/health'],
    ['GET', '/mantle/health'],
  ])('and nothing else: %s %s', async (method, target) => {
    const gateway = await start();
    const before = harness.backend.requests.length;
    expect(await call(gateway, { method, target, headers: { 'api-key': TEAM.key } })).toMatchObject({
      status: 403,
      headers: { 'x-amzn-errortype': 'AccessDeniedException' },
    });
    expect(harness.backend.requests).toHaveLength(before);
  });
});
