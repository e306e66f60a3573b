import { errorTypeOf } from './error-type.ts';
import type { UpstreamAnswer } from './upstream.ts';

/**
 * What an answer tells of the work that was asked for: `worked`, well or badly, and may have been paid; `refused` by a
 * region that does no work now; `notHere`, refused for what was asked for, which this region may not have.
 */
export type Verdict = 'worked' | 'refused' | 'notHere';

/** Errors of which AWS says that nothing has been done, and that it may be done later; the protocol may leave `Exception` out. */
const NOT_NOW = new Set(['Throttling', 'ServiceUnavailable', 'ModelNotReady']);

/** Of these the model has heard: ModelTimeoutException and ModelErrorException. */
const MODEL_FAILED = new Set([408, 424]);

export function verdictOf({ status, headers }: Pick<UpstreamAnswer, 'status' | 'headers'>): Verdict {
  const type = errorTypeOf(headers)?.replace(/Exception$/, '');
  // The routes of OpenAI and Anthropic need not name it in a header.
  if (status === 429 || (type !== undefined && NOT_NOW.has(type))) return 'refused';
  return status >= 400 && status < 500 && !MODEL_FAILED.has(status) ? 'notHere' : 'worked';
}

/**
 * For how long an answer asks not to be called, in milliseconds; undefined when it does not say.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterMs({ headers }: Pick<UpstreamAnswer, 'headers'>, now: number): number | undefined {
  const value = headers['retry-after']?.toString() ?? '';
  if (/^\d{1,9}$/.test(value)) return 1000 * Number(value);
  const at = value.endsWith(' GMT') ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
