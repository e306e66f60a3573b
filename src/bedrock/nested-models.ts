import { ProxyError } from '../errors.ts';
import { findMembers } from '../json/members.ts';
import { isModelId } from './model-id.ts';

/** How a body names models somewhere below its top level. */
export interface NestedModels {
  /** Members whose values are ids or ARNs of models. */
  readonly members: readonly string[];
  /** It may name none: what works without is no choice of the caller. */
  readonly optional?: true;
  /** Member that says whether a model is the caller's choice (`CUSTOM`) or the service's, which nobody knows. */
  readonly custom?: string;
}

/**
 * All models that a body names, where they decide. AWS reads one of two members of the same name; which, does not matter
 * here, since both are in the list.
 *
 * @throws ProxyError `invalidRequest` for a body that is no JSON object, or names a model by something else than a string;
 *   `accessDenied` when the service may choose a model by itself
 */
export function readNestedModels(body: Buffer, { members, optional, custom }: NestedModels): readonly string[] {
  const found = findMembers(body, custom === undefined ? members : [...members, custom]);
  const models = found?.filter(({ name }) => name !== custom).map(({ text }) => text);
  if (models === undefined || !models.every((model) => model !== undefined)) {
    throw new ProxyError(
      'invalidRequest',
      `The body must be a JSON object in which ${members.join(', ')} are strings.`,
    );
  }
  const chosen = found?.filter(({ name }) => name === custom).map(({ text }) => text) ?? [];
  if (custom !== undefined && (chosen.length === 0 || chosen.some((text) => text !== 'CUSTOM'))) {
    throw new ProxyError('accessDenied', `Your subscription allows some models only: "${custom}" must be "CUSTOM".`);
  }
  if (models.length === 0 && optional === undefined) {
    throw new ProxyError('accessDenied', 'Your subscription allows some models only, and the body names none.');
  }
  return models;
}

/** The model for the record, where it decides nothing else: undefined unless the body names one, and no other. */
export function findNestedModel(body: Buffer, { members }: NestedModels): string | undefined {
  const [first, ...others] = new Set(findMembers(body, members)?.map(({ text }) => text));
  return others.length === 0 && first !== undefined && isModelId(first) ? first : undefined;
}
