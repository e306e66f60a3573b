import { ProxyError } from '../errors.ts';
import type { MemberChange } from './body-members.ts';
import { isIdentifier } from './model-id.ts';

/** Ids and ARNs of models by the names that a caller may use in their place. */
export type ModelAliases = ReadonlyMap<string, string>;

/** The model of a call: ids or ARNs. */
export interface CalledModel {
  readonly asked: string;
  /** What Bedrock is asked for: another one where an alias was asked for. */
  readonly used: string;
}

/**
 * Reads `name=id or ARN`, comma-separated. Names are as models' ids are, and no beginnings; an alias does not lead to
 * another one.
 *
 * @returns the aliases; or what is wrong, in words that quote nothing
 */
export function parseAliases(text: string): ModelAliases | string {
  const aliases = new Map<string, string>();
  for (const [index, part] of text.split(',').entries()) {
    const [name = '', model = '', more] = part.split('=').map((side) => side.trim());
    if (more !== undefined || !isIdentifier(name) || !isIdentifier(model)) {
      return `alias ${index + 1} is not of the form name=<id or ARN of a model>`;
    }
    if (aliases.has(name)) return `alias ${index + 1} has a name that is there already`;
    aliases.set(name, model);
  }
  return aliases;
}

/**
 * Puts the model behind an alias into a body.
 *
 * @param member that names the model
 * @param onModel told of the model before the body is sent
 */
export function aliasChange(
  member: string,
  aliases: ModelAliases,
  onModel: (model: CalledModel) => void,
): MemberChange {
  return {
    name: member,
    alone: true,
    change(value) {
      const asked: unknown = value === undefined ? undefined : JSON.parse(value.toString());
      if (typeof asked !== 'string' || asked === '') {
        throw new ProxyError('invalidRequest', `The body must have a member "${member}", a string.`);
      }
      const used = aliases.get(asked) ?? asked;
      onModel({ asked, used });
      return used === asked ? undefined : JSON.stringify(used);
    },
  };
}
