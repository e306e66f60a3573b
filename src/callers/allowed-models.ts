import { ProxyError } from '../errors.ts';
import type { Caller } from './caller.ts';

/** @throws ProxyError `accessDenied` when the caller has a list of models and none of its patterns is this model's */
export function checkModel(caller: Caller, model: string): void {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern;
  if (
    caller.allowedModels !== undefined &&
    !caller.allowedModels.some((pattern) => pattern !== '' && matches(pattern))
  ) {
    throw new ProxyError('accessDenied', 'Your subscription does not allow this model.');
  }
}
