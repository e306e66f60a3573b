import type { IncomingHttpHeaders } from 'node:http';

import { type OperationGroup, parseGroups } from '../bedrock/groups.ts';
import type { Operation } from '../bedrock/service.ts';
import { ProxyError } from '../errors.ts';
import { gatewayHeader, malformedOrder } from '../gateway-headers.ts';

const ORDER = 'x-gateway-operations';

/**
 * Whether an operation may be called: the app offers its group, and the gateway does not order others.
 *
 * @param offered by the app
 * @throws ProxyError `unknownOperation` for a group that is off, `unavailable` for an order that cannot be understood
 */
export function checkOperation(
  { name, group }: Operation,
  headers: IncomingHttpHeaders,
  offered: ReadonlySet<OperationGroup>,
): void {
  const allowed = orderedGroups(headers);
  if (offered.has(group) && allowed?.has(group) !== false) return;
  const where = offered.has(group) ? 'your subscription does not have' : 'is not served here';
  throw new ProxyError('unknownOperation', `${name} belongs to the operation group "${group}", which ${where}.`);
}

/** The groups that the gateway orders; undefined: all that the app offers. */
function orderedGroups(headers: IncomingHttpHeaders): ReadonlySet<OperationGroup> | undefined {
  const order = gatewayHeader(headers, ORDER);
  if (order === undefined) return undefined;
  const groups = parseGroups(order);
  if (groups === undefined) throw malformedOrder(ORDER, 'it is no list of operation groups');
  return groups;
}
