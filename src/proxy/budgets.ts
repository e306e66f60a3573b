import type { IncomingHttpHeaders } from 'node:http';

import type { BudgetHolder } from '../budgets/budgets.ts';
import { describeStandings, type Standing } from '../budgets/standing.ts';
import { gatewayHeader } from '../gateway-headers.ts';
import type { Reply } from '../http/reply.ts';

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
