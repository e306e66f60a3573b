import { UnsupportedPolicyError } from './errors.ts';

export interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'symbol' | 'end';
  /** Spelling; of a string its value. */
  readonly text: string;
}

const SPACE = /\s+/y;
const NAME = /[A-Za-z_]\w*/y;
const NUMBER = /\d+(?![\w.])/y;
const STRING = /"(?:[^"\\]|\\["\\/nrt])*"/y;
const VERBATIM = /@"(?:[^"]|"")*"/y;
const SYMBOL = /=>|==|!=|>=|<=|&&|\|\||\?\?|\?\.|[()[\],.!<>?:+]/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/**
 * Splits a C# expression into its tokens; the last one is `end`.
 *
 * @throws UnsupportedPolicyError for a character or literal the emulator does not know
 */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(source)?.[0];
    position += match?.length ?? 0;
    return match;
  };
  const next = (): Token | undefined => {
    const verbatim = take(VERBATIM);
    if (verbatim !== undefined) return { kind: 'string', text: verbatim.slice(2, -1).replaceAll('""', '"') };
    const string = take(STRING);
    if (string !== undefined) return { kind: 'string', text: unescape(string.slice(1, -1)) };
    const name = take(NAME);
    if (name !== undefined) return { kind: 'name', text: name };
    const number = take(NUMBER);
    if (number !== undefined) return { kind: 'number', text: number };
    const symbol = take(SYMBOL);
    return symbol === undefined ? undefined : { kind: 'symbol', text: symbol };
  };
  for (take(SPACE); position < source.length; take(SPACE)) {
    const token = next();
    if (token === undefined) {
      throw new UnsupportedPolicyError(`"${source.slice(position, position + 20)}" in expression ${source}`);
    }
    tokens.push(token);
  }
  return [...tokens, { kind: 'end', text: '' }];
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
}
