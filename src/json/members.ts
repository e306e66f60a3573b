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
}

export interface MembersOptions {
  /**
   * Further names, which are looked for in the outermost object alone, and how deep in each of them the others count:
   * elsewhere below the outermost object they are passed over. Absent: they count everywhere.
   */
  readonly holders?: ReadonlyMap<string, number>;
  /** Capitals do not count. */
  readonly anyCase?: boolean;
  /** Members that count: more of them are no honest text. */
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
  { holders, anyCase = false, most = 100 }: MembersOptions = {},
): readonly FoundMember[] | undefined {
  const start = skipSpace(json, 0);
  if (json[start] !== 0x7b || !isUtf8(json)) return undefined;
  const top = [...names, ...(holders?.keys() ?? [])];
  const key = `${names.join(' ')},${top.join(' ')},${anyCase}`;
  const grammar = GRAMMARS.get(key) ?? grammarOf({ top, inner: names, anyCase });
  GRAMMARS.set(key, grammar);
  const words = new DataView(json.buffer, json.byteOffset, json.length);
  const found: FoundMember[] = [];
  const elsewhere = holders === undefined ? Infinity : 0;
  /** How deep members count where the scan is. */
  let deepest = elsewhere;
  beginScan();
  for (let at = start + 1; ;) {
    at = scan(json, words, grammar, at);
    const what = action();
    switch (what) {
      case WANTED_NAME:
      case WANTED_INNER_NAME: {
        const colon = skipSpace(json, at + 1);
        const name = nameBefore(json, at);
        if (depth() <= deepest) found.push({ name, text: stringAt(json, skipSpace(json, colon + 1)), depth: depth() });
        if (json[colon] !== 0x3a || found.length > most) return undefined;
        if (what === WANTED_INNER_NAME) {
          at = colon;
          resume(OBJECT_COLON);
          break;
        }
        if (holders !== undefined) deepest = depthIn(holders, name, anyCase);
        at = colon + 1;
        goOn(WANTED_VALUE, TOP_WANTED);
        break;
      }
      case NEXT_MEMBER:
        deepest = elsewhere;
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

function depthIn(holders: ReadonlyMap<string, number>, name: string, anyCase: boolean): number {
  for (const [holder, deepest] of holders) {
    if (holder === name || (anyCase && holder.toLowerCase() === name.toLowerCase())) return deepest;
  }
  return 0;
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
