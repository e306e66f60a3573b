/** Query parameters by lower-case name: the name as it was first written, and its values joined with a comma. */
export type Query = ReadonlyMap<string, { readonly name: string; readonly value: string }>;

const EMPTY: Query = new Map();

/** Reads a query string without its question mark, names without regard to case (ASP.NET Core, `QueryHelpers`). */
export function parseQuery(text: string): Query {
  if (text === '') return EMPTY;
  const query = new Map<string, { name: string; value: string }>();
  for (const [name, value] of new URLSearchParams(text)) {
    const known = query.get(name.toLowerCase());
    if (known) known.value += `,${value}`;
    else query.set(name.toLowerCase(), { name, value });
  }
  return query;
}
