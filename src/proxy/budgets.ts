import type { IncomingHttpHeaders } from 'node:http';

import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { Operation } from '../bedrock/service.ts';
import type { BudgetHolder, Call } from '../budgets/budgets.ts';
import { describeStandings, type Standing } from '../budgets/standing.ts';
import { gatewayHeader } from '../gateway-headers.ts';
import type { Reply } from '../http/reply.ts';
import type { Recorder } from '../record/recorder.ts';
import { createMeter, type UsageMeter } from '../usage/meter.ts';
import type { CheckedModels } from './called-models.ts';

/** The budgets that the gateway orders for a call. */
export function orderOf(headers: IncomingHttpHeaders): string | undefined {
  return gatewayHeader(headers, 'x-gateway-budgets');
}

/** The answer to `GET /usage`: how the budgets of the caller stand. AWS is not called. */
export function usageReply(standings: readonly Standing[], { subscriptionId, productId }: BudgetHolder): Reply {
  const body = Buffer.from(JSON.stringify({ subscriptionId, productId, budgets: describeStandings(standings) }));
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return { status: 200, headers: { ...headers, 'content-length': String(body.length) }, body: [body] };
}

/**
 * The meter of an answer, which charges a call's budgets with its tokens, and records their cost, when these are known.
 *
 * @param call absent for one that spends nothing
 */
export function chargingMeter(
  metering: Operation['metering'],
  answer: UpstreamAnswer,
  { model, others }: CheckedModels,
  call: Pick<Call, 'charge'> | undefined,
  record: Pick<Recorder, 'cost'>,
): UsageMeter {
  const meter = createMeter(
    metering,
    answer,
    (usage) => {
      const { model: answered, routedModelId: routed, serviceTier } = meter.facts;
      const mayHave = routed === undefined ? others : [...others, routed];
      const cost = call?.charge(usage, model ?? answered, serviceTier, mayHave);
      if (cost !== undefined) record.cost(cost);
    },
    model,
  );
  return meter;
}
