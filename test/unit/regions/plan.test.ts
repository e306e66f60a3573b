import { beforeEach, describe, expect, it } from 'vitest';

import { createPlanner, type PlannedCall, type PlanRegions, type RegionPlan } from '../../../src/regions/plan.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

const REGIONS = ['eu-central-1', 'eu-west-1', 'eu-north-1'];
const [A = '', B = '', C = ''] = REGIONS;
const MODEL = 'amazon.nova-lite-v1:0';

let clock: ManualClock;
let plan: PlanRegions;
beforeEach(() => {
  clock = manualClock();
  plan = createPlanner(REGIONS, clock);
});

function planOf(call: Partial<PlannedCall> = {}): RegionPlan {
  return plan({ service: 'bedrock-runtime', subscriptionId: 'team', model: MODEL, kind: 'work', ...call });
}

/** The first region of a call's plan refuses, the second serves. */
function moveOn(call: Partial<PlannedCall> = {}): void {
  const { order, refused, served } = planOf(call);
  refused(order[0] ?? '');
  served(order[1] ?? '');
}

const orderOf = (call: Partial<PlannedCall> = {}) => planOf(call).order;

describe('a region that refuses', () => {
  it('rests, and the call of another goes elsewhere', async () => {
    planOf().refused(A);
    expect(planOf({ subscriptionId: 'other' })).toMatchObject({ order: [B, C], awayFrom: A });
    await clock.pass(250);
    expect(planOf({ subscriptionId: 'other' })).not.toHaveProperty('awayFrom');
    expect(orderOf({ subscriptionId: 'other' })).toStrictEqual([A, B, C]);
  });

  it('rests for the model, the service and the account alone', () => {
    planOf().refused(A);
    expect(orderOf()).toStrictEqual([B, C]);
    expect(orderOf({ model: 'another.model' })).toStrictEqual([A, B, C]);
    expect(orderOf({ service: 'bedrock' })).toStrictEqual([A, B, C]);
    expect(orderOf({ roleArn: 'arn:aws:iam::1:role/other' })).toStrictEqual([A, B, C]);
  });

  it('rests for as long as it asks for', async () => {
    planOf().refused(A, 5000);
    await clock.pass(4999);
    expect(orderOf()).toStrictEqual([B, C]);
    await clock.pass(1);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('and serves again, rests no more', () => {
    planOf().refused(A);
    planOf().served(A);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('while all others rest: only the one is asked whose rest ends first', async () => {
    planOf().refused(B);
    await clock.pass(100);
    planOf().refused(A);
    planOf().refused(C);
    expect(planOf()).toMatchObject({ order: [B], awayFrom: A });
    planOf().refused(B, 1000);
    expect(planOf().order).toStrictEqual([A]);
    expect(planOf()).not.toHaveProperty('awayFrom');
  });

  it('is asked all the same where nothing can take its place', () => {
    planOf().refused(A);
    expect(orderOf({ ordered: [A] })).toStrictEqual([A]);
    expect(orderOf({ arnRegion: A })).toStrictEqual([A]);
    expect(orderOf({ kind: 'bound' })).toStrictEqual([A]);
    expect(orderOf({ kind: 'find' })).toStrictEqual([A, B, C]);
  });
});

describe('a region that answers 4xx in the place of another', () => {
  it('rests for the subscription, as it may not have the model', async () => {
    planOf().notHere(B);
    expect(orderOf()).toStrictEqual([A, C]);
    await clock.pass(250);
    planOf().notHere(B);
    await clock.pass(499);
    expect(orderOf()).toStrictEqual([A, C]);
    await clock.pass(1);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('and for no other one, as the call may be wrong', () => {
    planOf().refused(A);
    planOf().notHere(B);
    planOf().notHere(C, 60_000);
    expect(orderOf()).toStrictEqual([A]);
    expect(planOf({ subscriptionId: 'other' })).toMatchObject({ order: [B, C], awayFrom: A });
  });

  it('for the model, the service and the account alone', () => {
    planOf().notHere(B);
    expect(orderOf({ model: 'another.model' })).toStrictEqual([A, B, C]);
    expect(orderOf({ service: 'bedrock' })).toStrictEqual([A, B, C]);
    expect(orderOf({ roleArn: 'arn:aws:iam::1:role/other' })).toStrictEqual([A, B, C]);
  });

  it('and has it after all, rests no more', () => {
    planOf().notHere(B);
    planOf({ subscriptionId: 'other' }).served(B);
    expect(orderOf()).toStrictEqual([A, C]);
    planOf().served(B);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('however many calls are wrong, those that refuse rest', () => {
    planOf().refused(A);
    for (let index = 0; index <= 1000; index += 1) planOf({ model: `wrong.${index}` }).notHere(B);
    expect(orderOf()).toStrictEqual([B, C]);
  });
});

it('without a connection a region rests for every model and account of the service', () => {
  planOf().unreachable(A);
  expect(orderOf({ model: 'another.model', roleArn: 'arn:aws:iam::1:role/other' })).toStrictEqual([B, C]);
  expect(orderOf({ service: 'bedrock' })).toStrictEqual([A, B, C]);
  planOf({ model: 'another.model' }).served(A);
  expect(orderOf()).toStrictEqual([A, B, C]);
});

describe('a subscription', () => {
  it('stays with the region that served it when its own refused', async () => {
    moveOn();
    await clock.pass(1000);
    expect(orderOf()).toStrictEqual([B, A, C]);
    expect(orderOf({ subscriptionId: 'other' })).toStrictEqual([A, B, C]);
    expect(orderOf({ model: 'another.model' })).toStrictEqual([A, B, C]);
    expect(orderOf({ wished: C })).toStrictEqual([C, A, B]);
  });

  it('until that one refuses', async () => {
    moveOn();
    await clock.pass(1000);
    moveOn();
    await clock.pass(1000);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('does not move away from a region that only rests', async () => {
    planOf({ subscriptionId: 'other' }).refused(A);
    const away = planOf();
    expect(away).toMatchObject({ order: [B, C], awayFrom: A });
    away.served(B);
    await clock.pass(250);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('is at home there for an hour without a call', async () => {
    moveOn();
    await clock.pass(3_500_000);
    planOf().served(B);
    await clock.pass(3_599_999);
    expect(orderOf()).toStrictEqual([B, A, C]);
    await clock.pass(1);
    expect(orderOf()).toStrictEqual([A, B, C]);
  });

  it('that is ordered into other regions leaves', async () => {
    moveOn();
    await clock.pass(1000);
    expect(orderOf({ ordered: [A, C] })).toStrictEqual([A, C]);
  });

  it('ten thousand of them are remembered', async () => {
    for (let team = 0; team < 10_001; team += 1) {
      moveOn({ subscriptionId: String(team) });
      await clock.pass(250);
      // Only the first call after the rest can be refused.
      planOf({ subscriptionId: 'none' }).served(A);
    }
    const moved = Array.from({ length: 10_001 }, (_, team) => orderOf({ subscriptionId: String(team) })[0]);
    expect(moved.filter((region) => region !== A)).toHaveLength(10_000);
  });
});

it('with one region there is nothing to remember', () => {
  plan = createPlanner([A], clock);
  planOf().refused(A);
  planOf().unreachable(A);
  expect(planOf()).toMatchObject({ order: [A] });
  expect(planOf()).not.toHaveProperty('awayFrom');
});
