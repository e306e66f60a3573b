import { PolicyError } from './errors.ts';
import type { Step } from './exchange.ts';
import { attributesOf, elementsOf, reject, type Statement } from './statement.ts';
import type { XmlElement } from './xml.ts';

interface Limit {
  readonly calls: number;
  readonly periodSeconds: number;
}

/** `rate-limit`: so many calls of a subscription in a sliding window, 429 beyond. */
export const rateLimit: Statement = {
  sections: ['inbound'],
  scopes: ['product', 'api'],
  once: true,
  compile(element, { now }) {
    const limit = limitOf(element);
    if (limit.periodSeconds > 300) reject(element, 'renewal-period is at most 300 seconds');
    return counting(limit, now, (waitSeconds) => ({
      source: 'rate-limit',
      reason: 'RateLimitExceeded',
      status: 429,
      message: `Rate limit is exceeded. Try again in ${waitSeconds} seconds.`,
      retryAfterSeconds: waitSeconds,
    }));
  },
};

/** `quota`: so many calls of a subscription in a period, 403 beyond. */
export const quota: Statement = {
  sections: ['inbound'],
  scopes: ['product'],
  once: true,
  compile(element, { now }) {
    return counting(limitOf(element), now, (waitSeconds) => ({
      source: 'quota',
      reason: 'QuotaExceeded',
      status: 403,
      message: `Out of call volume quota. Quota will be replenished in ${clockTime(waitSeconds)}.`,
      retryAfterSeconds: waitSeconds,
    }));
  },
};

function limitOf(element: XmlElement): Limit {
  const attributes = attributesOf(element, ['calls', 'renewal-period']);
  if (elementsOf(element).length > 0) reject(element, 'child elements are not emulated');
  const [calls = 0, periodSeconds = 0] = [attributes.calls, attributes['renewal-period']].map((text) =>
    /^[1-9]\d*$/.test(text) ? Number(text) : reject(element, `${text} is not a positive number`),
  );
  return { calls, periodSeconds };
}

/** Counts by subscription; "only applied when an API is accessed using a subscription key". */
function counting(
  { calls, periodSeconds }: Limit,
  now: () => number,
  failure: (waitSeconds: number) => ConstructorParameters<typeof PolicyError>[0],
): Step {
  const starts = new Map<string, number[]>();
  return ({ subscription }) => {
    if (subscription === undefined) return 'continue';
    const at = now();
    const recent = (starts.get(subscription.id) ?? []).filter((start) => start > at - periodSeconds * 1000);
    const [oldest] = recent;
    if (oldest !== undefined && recent.length >= calls) {
      throw new PolicyError(failure(Math.ceil(periodSeconds - (at - oldest) / 1000)));
    }
    starts.set(subscription.id, [...recent, at]);
    return 'continue';
  };
}

/** As `hh:mm:ss`. */
export function clockTime(seconds: number): string {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}
