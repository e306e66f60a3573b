import { PolicyError } from './errors.ts';
import { runSteps, type Exchange, type PolicyResponse } from './exchange.ts';
import type { Policy } from './policy.ts';

/**
 * Runs a request through the sections of a policy. Afterwards `exchange.response` holds the answer.
 *
 * @param before the built-in steps before the policy (operation, subscription key); what they throw leads to
 *   `on-error` as well
 * @throws UnsupportedPolicyError when the policy comes to something the emulator does not know
 */
export async function runPipeline(policy: Policy, exchange: Exchange, before: () => void): Promise<void> {
  try {
    before();
    for (const section of ['inbound', 'backend', 'outbound'] as const) {
      if ((await runSteps(policy[section], exchange)) === 'finished') return;
    }
    for (const count of exchange.afterOutbound) count();
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    await runOnError(policy, exchange, error);
  }
}

async function runOnError(policy: Policy, exchange: Exchange, error: PolicyError): Promise<void> {
  exchange.lastError = error;
  exchange.response = defaultResponse(error, exchange.requestId);
  try {
    await runSteps(policy['on-error'], exchange);
  } catch (secondError) {
    if (!(secondError instanceof PolicyError)) throw secondError;
    exchange.response = defaultResponse(secondError, exchange.requestId);
  }
}

/** What API Management answers by itself to an error: its message for a client's fault, none of it for its own. */
export function defaultResponse(error: PolicyError, activityId: string): PolicyResponse {
  const { status, message, retryAfterSeconds } = error;
  const body =
    status >= 500
      ? { statusCode: status, message: 'Internal server error', activityId }
      : { statusCode: status, message };
  return {
    status,
    reason: REASONS[status] ?? '',
    headers: [
      ['Content-Type', 'application/json'],
      ...(retryAfterSeconds === undefined ? [] : [['Retry-After', String(retryAfterSeconds)] as const]),
    ],
    body: JSON.stringify(body),
  };
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'Access Denied',
  403: 'Forbidden',
  404: 'Resource Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};
