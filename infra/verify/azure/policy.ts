import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const gateway = join(import.meta.dirname, '../../gateway');

/** An operation of the API. */
export interface Operation {
  readonly method: string;
  readonly urlTemplate: string;
}

/**
 * The operations that the template deploys: those of `operations.json`.
 *
 * @param groups the groups that the app serves; an operation without a group is always served
 */
export async function operationsOfTemplate(groups: readonly string[]): Promise<Operation[]> {
  const all = JSON.parse(await readFile(join(gateway, 'operations.json'), 'utf8')) as (Operation & {
    readonly group?: string;
  })[];
  return all.filter(({ group }) => group === undefined || groups.includes(group));
}

/** The policy of this checkout, and how a deployed one differs from it: undefined when it does not. */
export async function differenceOf(deployed: string): Promise<string | undefined> {
  const here = statements(await readFile(join(gateway, 'policies/bedrock.xml'), 'utf8'));
  const there = statements(deployed);
  const index = here.findIndex((statement, at) => statement !== there[at]);
  if (index === -1 && here.length === there.length) return undefined;
  const at = index === -1 ? here.length : index;
  return `statement ${at + 1} of ${here.length}: here ${shown(here[at])}, there ${shown(there[at])}`;
}

/** What the policy reads from the instance. */
export function namesIn(policy: string): { readonly backend: string | undefined; readonly values: readonly string[] } {
  const bare = withoutComments(policy);
  return {
    backend: /<set-backend-service\s[^>]*backend-id="([^"]+)"/.exec(bare)?.[1],
    values: [...new Set(Array.from(bare.matchAll(/\{\{([\w.-]+)\}\}/g), ([, name = '']) => name))],
  };
}

/** Statements of a policy that read or hold back the body of an answer: they end streaming. */
export function collectorsIn(policy: string): string[] {
  const bare = withoutComments(policy);
  const [, outbound = ''] = /<outbound>([\s\S]*?)<\/outbound>/.exec(bare) ?? [];
  const names = Array.from(
    outbound.matchAll(
      /<(set-body|find-and-replace|json-to-xml|xml-to-json|validate-content|cache-store|log-to-eventhub|llm-[\w-]+)\b/g,
    ),
    ([, name = '']) => name,
  );
  return [...new Set([...names, ...(bare.includes('Response.Body') ? ['context.Response.Body'] : [])])];
}

/**
 * Without comments, blanks between statements, names that a deployment chooses, and the statement that it changes; a
 * client id is added to it, or it is left out.
 */
function statements(policy: string): string[] {
  return withoutComments(policy)
    .replaceAll(/<authentication-managed-identity\b[^>]*\/>/g, '')
    .replaceAll(/backend-id="[^"]*"/g, 'backend-id=""')
    .replaceAll(/\{\{[\w.-]+\}\}/g, '{{}}')
    .split('<')
    .map((statement) =>
      statement
        .replaceAll(/\s+/g, ' ')
        .trim()
        .replace(/ ?\/>$/, '/>'),
    )
    .filter((statement) => statement !== '');
}

function withoutComments(policy: string): string {
  return policy.replaceAll(/<!--[\s\S]*?-->/g, '');
}

function shown(statement: string | undefined): string {
  if (statement === undefined) return 'nothing';
  return `<${statement.length > 60 ? `${statement.slice(0, 60)}…` : statement}`;
}
