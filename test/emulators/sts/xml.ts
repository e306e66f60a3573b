/** Text, a number, or elements by name; what is undefined is left out, and of a list each is an element. */
export type Content = string | number | undefined | { readonly [name: string]: Content | readonly Content[] };

/** An element with its content, indented as STS does. */
export function element(name: string, content: Content, namespace?: string, indent = ''): string {
  const start = namespace === undefined ? name : `${name} xmlns="${namespace}"`;
  if (typeof content !== 'object') return `${indent}<${start}>${escape(String(content ?? ''))}</${name}>\n`;
  const inner = Object.entries(content)
    .flatMap(([child, value]) =>
      (Array.isArray(value) ? value : [value]).map((each: Content) => [child, each] as const),
    )
    .filter(([, value]) => value !== undefined)
    .map(([child, value]) => element(child, value, undefined, `${indent}  `));
  return `${indent}<${start}>\n${inner.join('')}${indent}</${name}>\n`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
