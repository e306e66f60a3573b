import { ProxyError } from '../errors.ts';
import { type FoundMember, findMembers } from '../json/members.ts';
import { readObject, type Span } from '../json/object.ts';
import { QUOTE } from '../json/strings.ts';
import { isModelId } from './model-id.ts';

const BYTE_ORDER_MARK = Buffer.from('\ufeff');

/** Bytes of the longest identifier that Bedrock takes, with its quotes; one that escapes needlessly may be longer. */
const LONGEST = 2050;

/**
 * Members of the top level in which further models may be named, and how deep: Anthropic's `fallbacks[].model` and
 * `tools[].model` (of an advisor), OpenAI's `tools[].model` (of image generation), and the same in Converse's
 * `additionalModelRequestFields`. A property `model` in a tool's schema stands deeper.
 */
const HOLDERS = new Map([
  ['tools', 2],
  ['fallbacks', 2],
  ['additionalModelRequestFields', 3],
]);

/** No call has as many models. */
const MOST = 1_000;

/** The models that may work for a request. */
export interface NamedModels {
  /** That of the member that was asked for. */
  readonly model: string | undefined;
  /** Those that may work beside it or in its place. */
  readonly others: readonly string[];
}

/**
 * The models that a JSON body names, where they decide.
 *
 * The body is not altered, so what is read here must be what Bedrock will read: a name that stands there twice is
 * refused, since parsers differ in which of the two they take, also in other capitals, which some parsers overlook. A
 * byte order mark is overlooked where no model has to be there.
 *
 * @param member `model` or `modelId`, where the path names none
 * @throws ProxyError `invalidRequest` unless the body is a JSON object with exactly one such member, a string, and names
 *   the others by strings
 */
export function readModels(body: Buffer, member?: 'model' | 'modelId'): NamedModels {
  const hasMark = member === undefined && body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const json = hasMark ? body.subarray(BYTE_ORDER_MARK.length) : body;
  const names = member === 'modelId' ? ['model', 'modelId'] : ['model'];
  const found = findMembers(json, names, { holders: HOLDERS, anyCase: true, most: MOST });
  if (found === undefined) throw invalid('The body must be a JSON object.');
  const isIt = ({ name, depth }: FoundMember) => depth === 0 && name.toLowerCase() === member?.toLowerCase();
  const [own, second] = found.filter(isIt);
  const isExact = own?.name === member && second === undefined;
  if (member !== undefined && (!isExact || own?.text === undefined || own.text === '')) {
    throw invalid(`The body must be a JSON object with one member "${member}", a string.`);
  }
  const others = found
    .filter(({ name, depth }) => name.toLowerCase() === 'model' && depth > 0)
    .map(({ text }) => {
      if (text === undefined) throw invalid('Models in "tools" and "fallbacks" must be named by strings.');
      return text;
    });
  return { model: own?.text, others };
}

/**
 * The model that a JSON body names at its top level, for the record, where it decides nothing but what is written there:
 * what follows the name need not be valid. Undefined where there is none, none that can be an identifier, or more than
 * one, of which only Bedrock knows which counts: its answer may tell.
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

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
