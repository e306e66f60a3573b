import { joinHeaders } from '../emulators/bedrock/received-request.ts';
import type { PolicyResponse } from '../emulators/gateway/exchange.ts';
import type { GatewayRequest } from '../emulators/gateway/gateway.ts';
import { printable } from './log-line.ts';

/**
 * The line of an answer that the gateway made itself, or that came from the host in the place of the function: of those
 * there is no record. Undefined for an answer of the function, whose record says more.
 */
export function gatewayLine(
  { method, target, forwarded }: GatewayRequest,
  { status, headers, body }: Readonly<PolicyResponse>,
  now: Date,
): string | undefined {
  const ofFunction =
    forwarded?.target === '/health' || headers.some(([name]) => name.toLowerCase() === 'x-amzn-requestid');
  if (typeof body !== 'string' && ofFunction) return undefined;
  const path = pathOf(target);
  const fields = [now.toTimeString().slice(0, 8), String(status), '-'.padStart(9), `${method} ${path}`];
  const reason = typeof body === 'string' ? [messageOf(body), "(the gateway's)"] : [];
  return printable([fields.join('  '), ...reason].join('  '));
}

/** Without the query, in which a client may have its key. */
function pathOf(target: string): string {
  return target.split('?', 1)[0] ?? '';
}

/** What requests without an operation are called in the lines of their records, which do not name the path. */
export interface Unnamed {
  add(request: GatewayRequest): void;
  /** Method and path of a request, once. */
  take(gatewayRequestId: string | undefined): string | undefined;
}

export function unnamedRequests(): Unnamed {
  const names = new Map<string, string>();
  return {
    add({ method, target, forwarded }) {
      const id = joinHeaders(forwarded?.rawHeaders ?? [])['x-gateway-request-id'];
      if (id !== undefined) names.set(id, `${method} ${pathOf(target)}`);
    },
    take(id = '') {
      const name = names.get(id);
      names.delete(id);
      return name;
    },
  };
}

function messageOf(body: string): string {
  return (JSON.parse(body) as { message?: string }).message ?? body;
}
