import type { IncomingHttpHeaders } from 'node:http';

import { ProxyError } from '../errors.ts';

/** The value of an order's header: percent-encoded UTF-8. What is not is malformed, and stays so: empty. */
export function orderIn(headers: IncomingHttpHeaders, name: string): string | undefined {
  const order = headers[name]?.toString();
  try {
    return order === undefined ? undefined : decodeURIComponent(order);
  } catch {
    return '';
  }
}

/** An order that cannot be understood: the operator's mistake, not the caller's. */
export function malformedOrder(name: string, problem: string): ProxyError {
  return new ProxyError('unavailable', `The gateway's header ${name} is malformed: ${problem}.`, {
    cause: new Error(name),
  });
}
