/**
 * JSON as Newtonsoft.Json, the host's parser, takes it: besides the standard form, comments, single quotes, names
 * without quotes and trailing commas. What only the lenient form allows reaches the function's `triggerMetadata` all the
 * same, so a check for valid JSON in front of the host protects nothing.
 */

const TOKEN =
  /\s+|\/\*[^]*?\*\/|\/\/[^\n]*|([{}[\],:])|("[^"\\]*(?:\\[^][^"\\]*)*"|'[^'\\]*(?:\\[^][^'\\]*)*')|([^\s{}[\],:"'/]+)|([^])/gy;
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

type Token = { mark: string } | { text: string; quoted: boolean };

/** Parses strict or lenient JSON. Throws SyntaxError for anything else. */
export function parseLenientJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const tokens = tokenize(text);
    const value = parseValue(tokens);
    if (tokens.length > 0) throw new SyntaxError('Additional text after the JSON value.');
    return value;
  }
}

/** The tokens in reverse, so that `pop` takes the next one. */
function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [, mark, quoted, word, other] of text.matchAll(TOKEN)) {
    if (other !== undefined) throw new SyntaxError(`Unexpected character ${other}.`);
    if (mark !== undefined) tokens.push({ mark });
    else if (quoted !== undefined) tokens.push({ text: unquote(quoted.slice(1, -1)), quoted: true });
    else if (word !== undefined) tokens.push({ text: word, quoted: false });
  }
  return tokens.toReversed();
}

function unquote(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_all, code?: string, char?: string) =>
    code === undefined ? (ESCAPES[char ?? ''] ?? char ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function parseValue(tokens: Token[]): unknown {
  const token = next(tokens);
  if ('mark' in token) {
    if (token.mark === '{') return parseObject(tokens);
    if (token.mark === '[') return parseArray(tokens);
    throw new SyntaxError(`Unexpected ${token.mark}.`);
  }
  // Words left are numbers and literals: strict JSON, except for a few exotic ones that nobody needs here.
  return token.quoted ? token.text : (JSON.parse(token.text) as unknown);
}

function parseObject(tokens: Token[]): unknown {
  const entries: [string, unknown][] = [];
  while (!takeIf(tokens, '}')) {
    const name = next(tokens);
    if ('mark' in name || !takeIf(tokens, ':')) throw new SyntaxError('Expected a name and a colon.');
    entries.push([name.text, parseValue(tokens)]);
    if (!takeIf(tokens, ',') && !isMark(tokens.at(-1), '}')) throw new SyntaxError('Expected , or }.');
  }
  return Object.fromEntries(entries);
}

function parseArray(tokens: Token[]): unknown {
  const items: unknown[] = [];
  while (!takeIf(tokens, ']')) {
    items.push(parseValue(tokens));
    if (!takeIf(tokens, ',') && !isMark(tokens.at(-1), ']')) throw new SyntaxError('Expected , or ].');
  }
  return items;
}

function next(tokens: Token[]): Token {
  const token = tokens.pop();
  if (!token) throw new SyntaxError('Unexpected end of JSON.');
  return token;
}

function takeIf(tokens: Token[], mark: string): boolean {
  const found = isMark(tokens.at(-1), mark);
  if (found) tokens.pop();
  return found;
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token !== undefined && 'mark' in token && token.mark === mark;
}
