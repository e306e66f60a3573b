import { expect } from 'vitest';

import type { ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import type { Chain } from '../emulators/chain.ts';

/** The one request that reached Bedrock since its last reset, its signature verified there. */
export function onlyRequest({ bedrock }: Pick<Chain, 'bedrock'>): ReceivedRequest {
  expect(bedrock.requests).toHaveLength(1);
  const [request] = bedrock.requests;
  if (request === undefined) throw new Error('nothing came');
  expect(request).toMatchObject({ verified: true });
  return request;
}
