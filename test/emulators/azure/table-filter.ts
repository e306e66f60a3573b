/** Whether a query wants the entity of a key. */
export type AcceptsKey = (key: { readonly partition: string; readonly row: string }) => boolean;

const OPERATORS: Readonly<Record<string, (one: string, other: string) => boolean>> = {
  eq: (one, other) => one === other,
  ge: (one, other) => one >= other,
  gt: (one, other) => one > other,
  lt: (one, other) => one < other,
};

/**
 * Reads comparisons of keys that are joined by `and`: no more of OData's filters is known here.
 *
 * @returns undefined for anything else, and for a query that would go through all partitions
 */
export function parseFilter(filter: string): AcceptsKey | undefined {
  const parts = filter.split(' and ').map((part) => /^(PartitionKey|RowKey) (\w\w) '((?:[^']|'')*)'$/.exec(part));
  if (!parts.some((part) => part?.[1] === 'PartitionKey' && part[2] === 'eq')) return undefined;
  const tests = parts.flatMap((part) => {
    const [, name, operator = '', text = ''] = part ?? [];
    const compare = OPERATORS[operator];
    const value = text.replaceAll("''", "'");
    if (name === undefined || compare === undefined) return [];
    return [
      (key: { readonly partition: string; readonly row: string }) =>
        compare(name === 'RowKey' ? key.row : key.partition, value),
    ];
  });
  return tests.length === parts.length ? (key) => tests.every((test) => test(key)) : undefined;
}
