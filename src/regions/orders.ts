import type { IncomingHttpHeaders } from 'node:http';

import { ProxyError } from '../errors.ts';
import { gatewayHeader } from '../gateway-headers.ts';
import type { RegionCall } from './candidates.ts';

/** What is said of the region of a call. */
export type RegionOrder = Pick<RegionCall, 'ordered' | 'wished'>;

/** The region in the scope of a signature of AWS's, for one of Bedrock's services. */
const SCOPE = /^AWS4-HMAC-SHA256 +Credential=[^/,\s]+\/\d{8}\/([a-z0-9-]{1,40})\/bedrock[a-z-]*\/aws4_request\b/;

/**
 * What the gateway orders of regions, and what the client has wished: the region that it has signed for.
 *
 * @param regions the app's
 * @throws ProxyError `unavailable` for an order of anything else than regions of the app
 */
export function regionOrder(headers: IncomingHttpHeaders, regions: readonly string[]): RegionOrder {
  const order = gatewayHeader(headers, 'x-gateway-region');
  if (order !== undefined) return { ordered: readOrder(order, regions) };
  const wished = headers['x-gateway-client-region']?.toString() ?? SCOPE.exec(headers.authorization ?? '')?.[1];
  return wished === undefined ? {} : { wished };
}

function readOrder(order: string, regions: readonly string[]): readonly string[] {
  const ordered = order.split(',').map((region) => region.trim());
  if (ordered.every((region) => regions.includes(region))) return [...new Set(ordered)];
  throw new ProxyError(
    'unavailable',
    'The order x-gateway-region of the gateway names a region that this app does not have.',
    {
      cause: new Error(`It has ${regions.join(', ')}.`),
    },
  );
}
