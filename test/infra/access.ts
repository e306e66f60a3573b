import { type Expansion, ofType, type Resource } from './expand.ts';

/** A role assignment in words: `role on type/name for principal`. */
export function describeRoles(expansion: Expansion): string[] {
  return ofType(expansion, 'Microsoft.Authorization/roleAssignments').map((assignment) => {
    const { principalId, principalType, roleDefinitionId } = assignment['properties'] as Record<string, string>;
    const role = ROLES.get(roleDefinitionId?.split('/').at(-1) ?? '') ?? roleDefinitionId;
    return `${role} on ${scopeOf(assignment)} for ${principalOf(principalId)} (${principalType ?? 'any type'})`;
  });
}

const ROLES = new Map([
  ['0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', 'Storage Table Data Contributor'],
  ['3913510d-42f4-4e42-8a64-420c390055eb', 'Monitoring Metrics Publisher'],
  ['4633458b-17de-408a-b874-0445c86b69e6', 'Key Vault Secrets User'],
  ['b7e6dc6d-f1e8-4753-8033-0f276bb0955b', 'Storage Blob Data Owner'],
  ['b86a8fe4-44ce-4948-aee5-eccb2c155cd7', 'Key Vault Secrets Officer'],
]);

/** Type of the resource that the role is assigned on: of all of them there is only one in a deployment. */
function scopeOf({ id }: Resource): string {
  // The id ends in a guid of values that only Azure knows, and so is an expression; its first argument is the scope.
  const scope = /^\[extensionResourceId\('[^']*\/providers\/([^']+)', 'Microsoft\.Authorization/.exec(id)?.[1];
  // Provider and type, then names and types in turn.
  return (
    scope
      ?.split('/')
      .filter((_, index) => index === 0 || index % 2 === 1)
      .join('/') ?? id
  );
}

/** The module whose output the principal is, or the expression as it stands. */
function principalOf(expression: string | undefined): string {
  return /format\('(\w+)-\{0\}'.*\.outputs\.principalId\.value\]$/.exec(expression ?? '')?.[1] ?? String(expression);
}
