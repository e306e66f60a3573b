import { afterEach, beforeEach, expect, it } from 'vitest';

import { createTargets, type Targets } from '../../../src/aws/target.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { RequestRecord } from '../../../src/record/record.ts';
import { createPlanner } from '../../../src/regions/plan.ts';
import { type BedrockEmulator, startBedrock } from '../../emulators/bedrock/bedrock.ts';
import { fail } from '../../emulators/bedrock/faults.ts';
import { createRandom } from '../../fuzz/random.ts';
import { startBareProxy } from '../../support/bare-proxy.ts';
import type { Listening } from '../../support/listen.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { pricedModel } from '../../support/models.ts';
import { instance } from '../../unit/budgets/instances.ts';

const REGIONS = ['eu-central-1', 'eu-west-1'];
const CALLS = 1000;
const TEAMS = 10;
/** One call of fifty is refused. */
const REFUSED = 50;
/** From one call to the next: each team calls every three seconds. */
const PACE_MS = 300;

const clock = manualClock();
let bedrocks: BedrockEmulator[];
let perRegion: Targets[];
let proxy: Listening;
let records: RequestRecord[];

beforeEach(async () => {
  records = [];
  bedrocks = await Promise.all(REGIONS.map((region) => startBedrock({ region })));
  perRegion = bedrocks.map(({ region, url }) =>
    createTargets({
      regions: [region],
      endpoints: { useFips: false, overrides: { [RUNTIME.hostPrefix]: url } },
      limits: { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 },
    }),
  );
  proxy = await startBareProxy({
    regions: REGIONS,
    planRegions: createPlanner(REGIONS, clock),
    targets: {
      of(service, region) {
        const targets = perRegion[REGIONS.indexOf(region)];
        if (targets === undefined) throw new Error(region);
        return targets.of(service, region);
      },
    },
    budgets: instance({ budgets: 'tokens/day=100000000' }),
    observe: ({ record }) => records.push(record),
  });
});
afterEach(async () => {
  await proxy.close();
  await Promise.all(perRegion.map((targets) => targets.close()));
  await Promise.all(bedrocks.map((bedrock) => bedrock.close()));
});

/**
 * A thousand calls of ten teams, of which each region refuses one in fifty, whichever it is that comes.
 *
 * @param identityOf the subscription that a call is made with
 * @returns calls that each region served; and those of a team that came to another region than the one before it, where
 *   the cache of its prompt is not, or not whole
 */
async function callAll(identityOf: (team: number, call: number) => string) {
  const random = createRandom(1);
  for (const bedrock of bedrocks) {
    bedrock.answer(fail(429, 'ThrottlingException', 'Slow down.'), { times: CALLS, when: () => random.oneIn(REFUSED) });
  }
  const last = new Map<number, string>();
  const served = new Map<string, number>();
  let refused = 0;
  let moved = 0;
  for (let call = 0; call < CALLS; call += 1) {
    const team = call % TEAMS;
    const response = await fetch(`${proxy.url}/model/${pricedModel}/converse`, {
      method: 'POST',
      headers: { 'x-gateway-subscription-id': identityOf(team, call) },
      body: '{}',
    });
    await response.arrayBuffer();
    while (records.length === call) await new Promise(setImmediate);
    const { region } = records[call] ?? { region: '' };
    if (response.status === 429) refused += 1;
    else {
      served.set(region, (served.get(region) ?? 0) + 1);
      if (last.has(team) && last.get(team) !== region) moved += 1;
      last.set(team, region);
    }
    await clock.pass(PACE_MS);
  }
  const requests = bedrocks.map((bedrock) => bedrock.requests.length);
  return { served: REGIONS.map((region) => served.get(region) ?? 0), requests, refused, moved };
}

it('a team stays where the cache of its prompt is', async () => {
  const { served, requests, refused, moved } = await callAll((team) => `team-${team}`);
  const refusals = requests.reduce((sum, count) => sum + count, 0) - CALLS;
  expect(refusals).toBeGreaterThan(10);
  // No caller has heard of any of them, and a team has moved only when it was refused itself.
  expect(refused).toBe(0);
  expect(served.reduce((sum, count) => sum + count, 0)).toBe(CALLS);
  expect(Math.min(...served)).toBeGreaterThan(0);
  expect(moved).toBeLessThanOrEqual(refusals);
});

it('which it would leave and come back to for each refusal, if it did not stay', async () => {
  const { requests, refused, moved } = await callAll((_team, call) => `call-${call}`);
  const refusals = requests.reduce((sum, count) => sum + count, 0) - CALLS;
  expect(refused).toBe(0);
  expect(moved).toBeGreaterThan(1.5 * refusals);
});
