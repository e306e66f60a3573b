/** Operations that an app can offer, and that the gateway can allow, together. */
export const GROUPS = ['inference', 'discovery', 'retrieval', 'agents', 'agentcore', 'mantle'] as const;

export type OperationGroup = (typeof GROUPS)[number];

/** What an app offers unless it is told otherwise: calling models, and reading which there are. */
export const USUAL_GROUPS: readonly OperationGroup[] = ['inference', 'discovery'];

/** The groups of a comma-separated list; undefined when there is none in it, or one that there is not. */
export function parseGroups(list: string): ReadonlySet<OperationGroup> | undefined {
  const names = list.split(',').map((name) => name.trim());
  const groups = names.flatMap((name) => GROUPS.find((group) => group === name) ?? []);
  return groups.length === names.length ? new Set(groups) : undefined;
}
