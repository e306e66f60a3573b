import type { Failure } from '../errors.ts';
import type { ErrorSource, Outcome } from './record.ts';

/**
 * How a request ended that failed, and whose failure it was.
 *
 * @param awaited whom the proxy was waiting for
 */
export function outcomeOf(failure: Failure, awaited: ErrorSource): [Outcome, ErrorSource] {
  switch (failure) {
    case 'modelTimeout':
      return ['timedOut', awaited];
    case 'upstreamBroken':
      return ['upstreamBroke', 'bedrock'];
    case 'internal':
    case 'unavailable':
      return ['refused', 'proxy'];
    default:
      return ['refused', 'client'];
  }
}
