import { PolicyError } from './errors.ts';
import type { Subscription } from './exchange.ts';
import { valuesOf, type HeaderList } from './header-list.ts';

/** Whether and where the API reads subscription keys: `subscriptionRequired`, `subscriptionKeyParameterNames`. */
export interface KeyRules {
  /** Without it a request that brings no key passes without a subscription. */
  readonly required: boolean;
  readonly header: string;
  readonly query: string;
  /** Whether `Authorization: Bearer` is read as well. */
  readonly bearer: boolean;
}

/**
 * The subscription of a request: by header, else by query parameter, else by bearer token. Only the first place that
 * holds a key counts.
 *
 * @throws PolicyError 401 when a required key is missing, or when no subscription has it
 */
export function findSubscription(
  subscriptions: readonly Subscription[],
  rules: KeyRules,
  headers: HeaderList,
  query: string,
): Subscription | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(valuesOf(headers, 'authorization')[0] ?? '')?.[1];
  const key =
    valuesOf(headers, rules.header)[0] ??
    new URLSearchParams(query).get(rules.query) ??
    (rules.bearer ? bearer : undefined);
  if (key === undefined) {
    if (!rules.required) return undefined;
    throw denied(
      'SubscriptionKeyNotFound',
      'Access denied due to missing subscription key. Make sure to include subscription key when making requests to this API.',
    );
  }
  const found = subscriptions.find((subscription) => key === subscription.key || key === subscription.secondaryKey);
  if (found === undefined) {
    throw denied(
      'SubscriptionKeyInvalid',
      'Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.',
    );
  }
  return found;
}

function denied(reason: string, message: string): PolicyError {
  return new PolicyError({ source: 'authorization', reason, status: 401, message });
}
