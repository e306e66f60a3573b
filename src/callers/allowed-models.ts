import { ProxyError } from '../errors.ts';
import type { Caller } from './caller.ts';

/** ARNs that say no more than the id at their end: models of AWS's, and the profiles that AWS has made of them. */
const ARN = /^arn:[a-z-]+:bedrock:[a-z0-9-]*:\d*:(?:foundation-model|inference-profile)\/([^/]+)$/;

/** An id or an ARN, with `*` at its end for any rest; `*` alone is every model. */
const PATTERN = /^(?:[A-Za-z0-9._:/-]+\*?|\*)$/;

/** Whether a text is a list of models, comma-separated. In one that is not, a mistake would allow more or less than was meant. */
export function isModelList(text: string): boolean {
  return text.split(',').every((pattern) => PATTERN.test(pattern.trim()));
}

/** @throws ProxyError `accessDenied` when the caller has a list of models and none of its patterns is this model's */
export function checkModel(caller: Caller, model: string): void {
  const names = [model, ARN.exec(model)?.[1] ?? model];
  const matches = (pattern: string) =>
    names.some((name) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
  if (
    caller.allowedModels !== undefined &&
    !caller.allowedModels.some((pattern) => pattern !== '' && matches(pattern))
  ) {
    throw new ProxyError('accessDenied', 'Your subscription does not allow this model.');
  }
}
