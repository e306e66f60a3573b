/** An element of a policy document. */
export interface XmlElement {
  readonly kind: 'element';
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | XmlText)[];
  /** Line of the start tag, from 1. */
  readonly line: number;
}

export interface XmlText {
  readonly kind: 'text';
  readonly text: string;
}

const NAME = /[A-Za-z_][\w.-]*/y;
const SPACE = /[ \t\r\n]*/y;
const COMMENT = /<!--(?:(?!--)[\s\S])*-->/y;
const TEXT = /[^<]+/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * Parses the part of XML 1.0 that policy documents are made of: elements, attributes, text, comments and the five
 * predefined entities. Comments are dropped.
 *
 * @throws SyntaxError with the line number for anything else: declarations, CDATA, unknown entities, bad nesting
 */
export function parseXml(source: string): XmlElement {
  let position = 0;

  const fail = (problem: string): never => {
    const line = source.slice(0, position).split('\n').length;
    throw new SyntaxError(`line ${line}: ${problem}`);
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(source)?.[0];
    position += match?.length ?? 0;
    return match;
  };
  const expect = (text: string): void => {
    if (!source.startsWith(text, position)) fail(`${text} expected`);
    position += text.length;
  };
  const skipMisc = (): void => {
    do take(SPACE);
    while (take(COMMENT) !== undefined);
  };
  const unescape = (text: string): string =>
    text.replaceAll(/&([^;]*;)?/g, (entity, name: string | undefined) => {
      const character = name === undefined ? undefined : ENTITIES[name.slice(0, -1)];
      return character ?? fail(`${entity} is not one of the predefined entities`);
    });

  function attributes(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (;;) {
      const spaced = take(SPACE) !== '';
      const name = take(NAME);
      if (name === undefined) return found;
      if (!spaced) fail('white space expected before an attribute');
      if (found.has(name)) fail(`attribute ${name} is given twice`);
      expect('=');
      const quote = source[position] ?? '';
      if (quote !== '"' && quote !== "'") fail(`attribute ${name} must be quoted`);
      const end = source.indexOf(quote, position + 1);
      const value = end === -1 ? '<' : source.slice(position + 1, end);
      if (value.includes('<')) fail(`attribute ${name} is not closed or holds a <`);
      // XML 1.0, 3.3.3: white space in an attribute value is read as spaces.
      found.set(name, unescape(value.replaceAll(/[\t\r\n]/g, ' ')));
      position = end + 1;
    }
  }

  function element(): XmlElement {
    const line = source.slice(0, position).split('\n').length;
    expect('<');
    const name = take(NAME) ?? fail('element name expected');
    const found = attributes();
    const children: (XmlElement | XmlText)[] = [];
    if (source.startsWith('/>', position)) {
      position += 2;
      return { kind: 'element', name, attributes: found, children, line };
    }
    expect('>');
    while (!source.startsWith('</', position)) {
      if (position >= source.length) fail(`<${name}> is not closed`);
      if (take(COMMENT) !== undefined) continue;
      const text = take(TEXT);
      children.push(text === undefined ? element() : { kind: 'text', text: unescape(text) });
    }
    expect(`</${name}`);
    take(SPACE);
    expect('>');
    return { kind: 'element', name, attributes: found, children, line };
  }

  skipMisc();
  const root = element();
  skipMisc();
  if (position < source.length) fail('nothing may follow the root element');
  return root;
}
