import { ProxyError } from '../errors.ts';
import { readObject } from '../json/object.ts';
import { QUOTE, skipSpace } from '../json/tokens.ts';

/**
 * The model that a JSON body names at its top level, for the routes whose path names none.
 *
 * The body is not altered, so what is read here must be what Bedrock will read: a name that stands there twice is
 * refused, since parsers differ in which of the two they take.
 *
 * @param member `model` or `modelId`
 * @throws ProxyError `invalidRequest` unless the body is a JSON object with exactly one such member, a string
 */
export function modelOf(body: Buffer, member: string): string {
  const object = readObject(body, member);
  const [value, second] = object?.values ?? [];
  const isWhole = object !== undefined && skipSpace(body, object.end) === body.length;
  if (isWhole && value !== undefined && second === undefined && body[value.start] === QUOTE) {
    const model: unknown = JSON.parse(body.toString('utf8', value.start, value.end));
    if (typeof model === 'string' && model !== '') return model;
  }
  throw new ProxyError('invalidRequest', `The body must be a JSON object with one member "${member}", a string.`);
}
