import { SaxesParser } from 'saxes';

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

interface OpenElement extends XmlElement {
  readonly children: (XmlElement | XmlText)[];
}

/**
 * Parses a policy document: XML 1.0 of elements, attributes, text and comments, which are dropped.
 *
 * @throws SyntaxError with the line number for what is not well-formed, and for what API Management refuses or does not
 * keep: declarations, document types, processing instructions and CDATA
 */
export function parseXml(source: string): XmlElement {
  const parser = new SaxesParser();
  const refuse = (problem: string): never => {
    throw new SyntaxError(`line ${parser.line}: ${problem}`);
  };
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let line = 1;

  parser.on('error', ({ message }) => refuse(message));
  for (const event of ['xmldecl', 'doctype', 'processinginstruction', 'cdata'] as const) {
    parser.on(event, () => refuse(`${event} has no place in a policy`));
  }
  parser.on('opentagstart', () => {
    ({ line } = parser);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: OpenElement = {
      kind: 'element',
      name,
      attributes: new Map(Object.entries(attributes)),
      children: [],
      line,
    };
    open.at(-1)?.children.push(element);
    open.push(element);
    root ??= element;
  });
  parser.on('text', (text) => open.at(-1)?.children.push({ kind: 'text', text }));
  parser.on('closetag', () => void open.pop());
  parser.write(source).close();
  return root ?? refuse('an element is expected');
}
