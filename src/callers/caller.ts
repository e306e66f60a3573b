import type { IncomingHttpHeaders } from 'node:http';

import { gatewayHeader } from '../gateway-headers.ts';

/** What the gateway says about the call. Believed because only the gateway can call. */
export interface Caller {
  readonly subscriptionId?: string;
  readonly subscriptionName?: string;
  readonly productId?: string;
  readonly userId?: string;
  readonly gatewayRequestId?: string;
  /** Model ids the caller may use, a `*` at the end of one stands for any rest; absent: every model. */
  readonly allowedModels?: readonly string[];
  /** Order of the gateway: role to work in, as it came; absent: none. */
  readonly roleArn?: string;
}

const IDENTITY_HEADERS = {
  subscriptionId: 'x-gateway-subscription-id',
  subscriptionName: 'x-gateway-subscription-name',
  productId: 'x-gateway-product-id',
  userId: 'x-gateway-user-id',
  gatewayRequestId: 'x-gateway-request-id',
} as const;

/** Reads the gateway's identity headers. */
export function callerOf(headers: IncomingHttpHeaders): Caller {
  const caller: { -readonly [Key in keyof Caller]: Caller[Key] } = {};
  for (const [key, name] of Object.entries(IDENTITY_HEADERS)) {
    const value = gatewayHeader(headers, name);
    if (value !== undefined) caller[key as keyof typeof IDENTITY_HEADERS] = value;
  }
  const models = gatewayHeader(headers, 'x-gateway-allowed-models');
  if (models !== undefined) caller.allowedModels = models.split(',').map((model) => model.trim());
  const role = gatewayHeader(headers, 'x-gateway-role-arn');
  if (role !== undefined) caller.roleArn = role;
  return caller;
}
