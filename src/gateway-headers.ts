import type { IncomingHttpHeaders } from 'node:http';

import { ProxyError } from './errors.ts';

/**
 * What the gateway says in one of its headers: percent-encoded UTF-8, since values of headers are ASCII. What is not
 * stays as it came, with a `%` in it, which no order may have.
 */
export function gatewayHeader(headers: IncomingHttpHeaders, name: `x-gateway-${string}`): string | undefined {
  const value = headers[name]?.toString();
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** An order that cannot be understood: the operator's mistake, not the caller's. */
export function malformedOrder(name: `x-gateway-${string}`, problem: string): ProxyError {
  return new ProxyError('unavailable', `The gateway's header ${name} is malformed: ${problem}.`, {
    cause: new Error(name),
  });
}
