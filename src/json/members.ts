import { isUtf8 } from 'node:buffer';

import {
  CLOSE_TOP,
  GO_ON,
  NEXT_MEMBER,
  NEXT_NAME,
  OBJECT_COLON,
  TOP,
  TOP_WANTED,
  WANTED_INNER_NAME,
  WANTED_NAME,
  WANTED_VALUE,
} from './cells.ts';
import { type Grammar, grammarOf } from './grammar.ts';
import { action, beginScan, depth, goOn, resume, scan } from './scan.ts';
import { nameBefore, QUOTE, skipSpace, stringEnd } from './strings.ts';

/** A member somewhere in a JSON text. */
export interface FoundMember {
  /** As it is spelt. */
  readonly name: string;
  /** Its value; undefined when that is no string, or a very long one. */
  readonly text: string | undefined;
  /** How many levels below the outermost object. */
  readonly depth: number;
  /** Name of the outermost object's member, of those that were looked for, that it stands in. */
  readonly within?: string;
}

export interface MembersOptions {
  /** Further names that are looked for in the outermost object alone. */
  readonly holders?: readonly string[];
  /** Capitals do not count. */
  readonly anyCase?: boolean;
  /** Members of these names: more of them are no honest text. */
  readonly most?: number;
}

/** Bytes of a string that is handed out; the names and identifiers that are looked for are shorter. */
const LONGEST = 16_384;

const GRAMMARS = new Map<string, Grammar>();

/**
 * Finds the members of these names at every level of a JSON object, in order, however the names are escaped, also those that
 * stand there twice: what one parser passes over another may take. Costs what `readMembers` does, and a little for each
 * member that is found.
 *
 * @param names ASCII letters
 * @returns undefined when the bytes are not one valid JSON object in UTF-8, it is nested more than a thousand levels deep,
 *   or has too many of these members
 */
export function findMembers(
  json: Buffer,
  names: readonly string[],
  { holders = [], anyCase = false, most = 100 }: MembersOptions = {},
): readonly FoundMember[] | undefined {
  const start = skipSpace(json, 0);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const key = `${names.join(' ')},${holders.join(' ')},${anyCase}`;
  const grammar = GRAMMARS.get(key) ?? grammarOf({ top: [...names, ...holders], inner: names, anyCase });
  GRAMMARS.set(key, grammar);
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const found: FoundMember[] = [];
  /** The member of the outermost object that is read, if it is looked for. */
  let holder: string | undefined;
  beginScan();
  for (let at = start + 1; ;) {
    at = scan(json, words, grammar, at);
    const what = action();
    switch (what) {
      case WANTED_NAME:
      case WANTED_INNER_NAME: {
        const name = nameBefore(json, at);
        const colon = skipSpace(json, at + 1);
        const text = stringAt(json, skipSpace(json, colon + 1));
        found.push({ name, text, depth: depth(), ...(holder !== undefined && { within: holder }) });
        if (json[colon] !== 0x3a || found.length > most) return undefined;
        if (what === WANTED_INNER_NAME) {
          at = colon;
          resume(OBJECT_COLON);
          break;
        }
        holder = name;
        at = colon + 1;
        goOn(WANTED_VALUE, TOP_WANTED);
        break;
      }
      case NEXT_MEMBER:
        holder = undefined;
        at += 1;
        goOn(NEXT_NAME, TOP);
        break;
      case CLOSE_TOP:
        return skipSpace(json, at + 1) === json.length ? found : undefined;
      case GO_ON:
        break;
      default:
        return undefined;
    }
  }
}

/** The string that begins there. Whether the text is valid is found out later. */
function stringAt(json: Buffer, start: number): string | undefined {
  const end = json[start] === QUOTE ? stringEnd(json, start, LONGEST) : -1;
  if (end === -1) return undefined;
  try {
    return JSON.parse(json.toString('utf8', start, end)) as string;
  } catch {
    return undefined;
  }
}
