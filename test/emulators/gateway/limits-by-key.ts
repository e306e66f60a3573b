import { PolicyError } from './errors.ts';
import type { Counters, Increment } from './counters.ts';
import type { Exchange, Step } from './exchange.ts';
import { asNumber, asString } from './expression-values.ts';
import { clockTime } from './limits.ts';
import {
  attributesOf,
  compileCondition,
  compileValue,
  elementsOf,
  reject,
  type Read,
  type Statement,
} from './statement.ts';
import type { XmlElement } from './xml.ts';

/**
 * `rate-limit-by-key` of the classic tiers: so much in a sliding window, 429 beyond. The v2 tiers fill a token bucket
 * instead, which is not emulated; Consumption does not have it.
 */
export const rateLimitByKey: Statement = {
  sections: ['inbound'],
  compile(element, { counters, now }) {
    const limit = compileLimit(element, ['calls', 'renewal-period', 'counter-key']);
    const windowMs = 1000 * limit.period;
    if (limit.period < 1 || limit.period > 300) reject(element, 'renewal-period is 1 to 300 seconds');
    return counting(limit, counters.rate, now, {
      since: (at) => at - windowMs,
      countsOnce: false,
      exceeded(increments, at) {
        const waitSeconds = Math.max(1, Math.ceil((freeAt(increments, limit.calls) + windowMs - at) / 1000));
        return new PolicyError({
          source: 'rate-limit-by-key',
          reason: 'RateLimitExceeded',
          status: 429,
          message: `Rate limit is exceeded. Try again in ${waitSeconds} seconds.`,
          retryAfterSeconds: waitSeconds,
        });
      },
    });
  },
};

/** `first-period-start` unless it is given. */
const FIRST_PERIOD = '0001-01-01T00:00:00Z';

/** `quota-by-key`: so much in a fixed period, 403 beyond. Classic tiers and self-hosted gateways only. */
export const quotaByKey: Statement = {
  sections: ['inbound'],
  compile(element, { counters, now }) {
    const limit = compileLimit(element, ['calls', 'renewal-period', 'counter-key'], ['first-period-start']);
    if (limit.period !== 0 && limit.period < 300) reject(element, 'renewal-period is 0, or at least 300 seconds');
    const begin = element.attributes.get('first-period-start') ?? FIRST_PERIOD;
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(begin)) reject(element, 'first-period-start is no date and time');
    const [firstMs, periodMs] = [Date.parse(begin), 1000 * limit.period];
    const since = (at: number) =>
      periodMs === 0 ? Number.NEGATIVE_INFINITY : firstMs + Math.floor((at - firstMs) / periodMs) * periodMs;
    return counting(limit, counters.quota, now, {
      since,
      countsOnce: true,
      exceeded(_increments, at) {
        const details = { source: 'quota-by-key', reason: 'QuotaExceeded', status: 403 };
        if (periodMs === 0) return new PolicyError({ ...details, message: 'Out of call volume quota.' });
        const waitSeconds = Math.ceil((since(at) + periodMs - at) / 1000);
        return new PolicyError({
          ...details,
          message: `Out of call volume quota. Quota will be replenished in ${clockTime(waitSeconds)}.`,
          retryAfterSeconds: waitSeconds,
        });
      },
    });
  },
};

interface Limit {
  readonly calls: number;
  /** Seconds. */
  readonly period: number;
  readonly key: Read<string>;
  readonly counts: Read<boolean>;
  readonly count: Read<number>;
  /** An expression decides whether or how much is counted, which waits for the end of the outbound section. */
  readonly postponed: boolean;
}

function compileLimit(element: XmlElement, required: readonly string[], optional: readonly string[] = []): Limit {
  const attributes = attributesOf(element, required, ['increment-condition', 'increment-count', ...optional]);
  if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
  const [calls = 0, period = 0] = [attributes['calls'], attributes['renewal-period']].map((text = '') =>
    /^\d+$/.test(text) ? Number(text) : reject(element, `only whole numbers are emulated, not ${text}`),
  );
  if (calls < 1) reject(element, 'calls is not a positive number');
  const { 'increment-condition': condition = '@(true)', 'increment-count': count = '1' } = attributes;
  const key = compileValue(element, attributes['counter-key'] ?? '');
  const readCount = compileValue(element, count);
  return {
    calls,
    period,
    key: (exchange) => asString(key(exchange)),
    counts: compileCondition(element, condition),
    count: (exchange) => {
      const value = readCount(exchange);
      return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : asNumber(value);
    },
    postponed: attributes['increment-condition'] !== undefined || count.startsWith('@'),
  };
}

interface Window {
  /** Increments from this moment on count. */
  since(at: number): number;
  /** Several policies of one request raise a key by what the first of them counts. */
  readonly countsOnce: boolean;
  exceeded(increments: readonly Increment[], at: number): PolicyError;
}

/**
 * Compares what has been counted, and counts: at once, or, where an expression decides about it, at the end of the
 * outbound section, when the response can be seen; only the next call meets the limit then (reference of
 * `rate-limit-by-key`, usage notes; that of `quota-by-key` shows a condition on the response as well).
 */
function counting(limit: Limit, counters: Counters, now: () => number, window: Window): Step {
  const add = (exchange: Exchange, key: string): void => {
    if (!limit.counts(exchange) || (window.countsOnce && exchange.quotasCounted.has(key))) return;
    if (window.countsOnce) exchange.quotasCounted.add(key);
    counters.set(key, [...(counters.get(key) ?? []), { at: now(), count: limit.count(exchange) }]);
  };
  return (exchange) => {
    const key = limit.key(exchange);
    if (window.countsOnce && exchange.quotasCounted.has(key)) return 'continue';
    const at = now();
    const recent = (counters.get(key) ?? []).filter((increment) => increment.at >= window.since(at));
    counters.set(key, recent);
    if (sum(recent) >= limit.calls) throw window.exceeded(recent, at);
    if (limit.postponed) exchange.afterOutbound.push(() => add(exchange, key));
    else add(exchange, key);
    return 'continue';
  };
}

function sum(increments: readonly Increment[]): number {
  return increments.reduce((total, { count }) => total + count, 0);
}

/** The moment of the increment whose end makes room again. */
function freeAt(increments: readonly Increment[], calls: number): number {
  let left = sum(increments);
  for (const { at, count } of increments) {
    left -= count;
    if (left < calls) return at;
  }
  return 0;
}
