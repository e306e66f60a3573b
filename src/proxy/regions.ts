import type { Targets } from '../aws/target.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import { arnRegion } from '../bedrock/model-id.ts';
import type { Route } from '../bedrock/route.ts';
import type { Recorder } from '../record/recorder.ts';
import type { RegionOrder } from '../regions/orders.ts';
import type { PlanRegions } from '../regions/plan.ts';
import type { Health } from './health.ts';
import { type Outgoing, send, type Sender } from './send.ts';
import { sendAcross } from './send-across.ts';

/** What calls are made with, in whichever region. */
export interface RegionalSender extends Sender {
  readonly targets: Pick<Targets, 'of'>;
  readonly planRegions: PlanRegions;
}

/** A call whose region is to be found. */
export interface RegionalCall {
  readonly route: Route;
  /** As far as it is known. */
  readonly model: string | undefined;
  readonly order: RegionOrder;
  readonly outgoing: Outgoing;
}

/**
 * Makes a call in the region that is its own, or in another of the app's when that cannot work.
 *
 * @throws ProxyError as `PlanRegions` and `send` do, and the reason of `signal`
 */
export function sendSomewhere(
  { route: { service, operation, modelId, arnRegion: pathRegion }, model, order, outgoing }: RegionalCall,
  sender: RegionalSender & { readonly health: Health },
  signal: AbortSignal,
  record: Pick<Recorder, 'attempt' | 'answered' | 'credentialsRefreshed'>,
): Promise<UpstreamAnswer> {
  const region = pathRegion ?? arnRegion(model ?? '');
  const { caller } = outgoing;
  const plan = sender.planRegions({
    ...order,
    ...caller,
    service: service.hostPrefix,
    ...(region === undefined ? {} : { arnRegion: region }),
    ...(model === undefined ? {} : { model }),
    // What is not asked of a model is about what one region keeps.
    kind: modelId !== undefined || operation.modelMember !== undefined ? 'work' : operation.stored ? 'find' : 'bound',
  });
  const elsewhere = { ...sender, health: { accepted: sender.health.accepted, refused: () => {} } };
  return sendAcross(
    plan,
    (one, isHome) => send(outgoing, sender.targets.of(service, one), isHome ? sender : elsewhere, signal, record),
    // Dates in answers are of its clock.
    sender.awsTime.now,
  );
}
