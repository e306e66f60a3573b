import { ProxyError } from '../errors.ts';
import { readObject, type Span } from '../json/object.ts';
import { QUOTE, skipSpace } from '../json/strings.ts';
import { isModelId } from './model-id.ts';

/** Bytes of the longest identifier that Bedrock takes, with its quotes; one that escapes needlessly may be longer. */
const LONGEST = 2050;

/**
 * The model that a JSON body names at its top level, where it decides: for the routes whose path names none.
 *
 * The body is not altered, so what is read here must be what Bedrock will read: a name that stands there twice is
 * refused, since parsers differ in which of the two they take.
 *
 * @param member `model` or `modelId`
 * @throws ProxyError `invalidRequest` unless the body is a JSON object with exactly one such member, a string
 */
export function readModel(body: Buffer, member: string): string {
  const object = readObject(body, member);
  const [value, second] = object?.values ?? [];
  const isWhole = object !== undefined && skipSpace(body, object.end) === body.length;
  const model = isWhole && second === undefined ? stringAt(body, value) : undefined;
  if (model !== undefined && model !== '') return model;
  throw new ProxyError('invalidRequest', `The body must be a JSON object with one member "${member}", a string.`);
}

/**
 * The same for the record, where it decides nothing but what is written there: what follows the name need not be valid.
 * Undefined where there is none, none that can be an identifier, or more than one, of which only Bedrock knows which
 * counts: its answer may tell.
 */
export function findModel(body: Buffer, member: string): string | undefined {
  const enough = ([first, second]: readonly Span[]) =>
    first === undefined ||
    second !== undefined ||
    first.end - first.start > LONGEST ||
    !mayFollow(body, first.end, member);
  const [value, second] = readObject(body, member, { enough })?.values ?? [];
  if (value === undefined || second !== undefined || value.end - value.start > LONGEST) return undefined;
  const model = stringAt(body, value);
  return model !== undefined && isModelId(model) ? model : undefined;
}

/**
 * True unless no other member of this name can follow. A look at the bytes, many times faster than reading what mostly
 * is an image: the name stands there as it is, or with one of its letters, which are ASCII, escaped.
 */
function mayFollow(body: Buffer, from: number, member: string): boolean {
  return body.includes(`"${member}"`, from) || body.includes('\\u00', from);
}

function stringAt(json: Buffer, span: Span | undefined): string | undefined {
  if (span === undefined || json[span.start] !== QUOTE) return undefined;
  return JSON.parse(json.toString('utf8', span.start, span.end)) as string;
}
