/**
 * The values of a template's labels in a path, in order; undefined when the path is not of the template. A label takes as
 * much as it can, and something: front ends decode %2F, which makes several segments of one ARN
 * (azure-functions-host#9290; API Management does the same).
 *
 * Linear in the path. A regular expression with two such labels is quadratic.
 */
export type MatchPath = (path: string) => readonly string[] | undefined;

/** @param template path with `{labels}`, no two of them side by side */
export function pathPattern(template: string): MatchPath {
  const [head = '', ...rest] = template.split(/\{\w+\}/);
  const tail = rest.pop();
  if (tail === undefined) return (path) => (path === head ? [] : undefined);
  // From right to left: where the last label begins as late as it can, the first has as much as it can.
  const between = rest.toReversed();
  return (path) => {
    if (!path.startsWith(head) || !path.endsWith(tail)) return undefined;
    const values: string[] = [];
    let end = path.length - tail.length;
    for (const literal of between) {
      const at = path.lastIndexOf(literal, end - 1 - literal.length);
      if (at <= head.length) return undefined;
      values.unshift(path.slice(at + literal.length, end));
      end = at;
    }
    if (end <= head.length) return undefined;
    values.unshift(path.slice(head.length, end));
    return values;
  };
}
