import { ProxyError } from '../errors.ts';
import { mayHave } from './geography.ts';

/** What decides in which regions a call may be made. */
export interface RegionCall {
  /** Regions that the gateway orders, the first one first; absent: none are ordered. All of them are the app's. */
  readonly ordered?: readonly string[];
  /** Region that the client has named, which need not be the app's. */
  readonly wished?: string;
  /** Region of the ARN that names what is called. */
  readonly arnRegion?: string;
  /** Id of the model that is called. */
  readonly model?: string;
}

/**
 * The regions in which a call may be made, in the order in which they come into question.
 *
 * @param regions the app's, the first one first
 * @throws ProxyError `accessDenied` for an ARN of a region of the app's in which the gateway does not let the caller work
 */
export function candidatesOf(
  { ordered, wished, arnRegion, model }: RegionCall,
  regions: readonly string[],
): readonly string[] {
  const allowed = ordered ?? regions;
  if (arnRegion !== undefined && regions.includes(arnRegion)) {
    if (allowed.includes(arnRegion)) return [arnRegion];
    throw new ProxyError('accessDenied', 'Your subscription does not work in the region of this ARN.');
  }
  // Nowhere here. What is wrong with it, AWS says in its own words.
  if (arnRegion !== undefined) return allowed.slice(0, 1);
  const fitting = model === undefined ? allowed : allowed.filter((region) => mayHave(model, region));
  const candidates = fitting.length > 0 ? fitting : allowed;
  if (ordered !== undefined || wished === undefined || !candidates.includes(wished)) return candidates;
  return [wished, ...candidates.filter((region) => region !== wished)];
}
