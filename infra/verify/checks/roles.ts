import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { type Json, same, text } from '../azure/json.ts';
import { ifPresent, present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, warning } from '../finding.ts';

interface Wanted {
  readonly role: string;
  readonly name: string;
  /** Type of the resource that the role is on, and a child of it. */
  readonly type: string;
  readonly child?: string;
}

const METRICS: Wanted = {
  role: '3913510d-42f4-4e42-8a64-420c390055eb',
  name: 'Monitoring Metrics Publisher',
  type: 'Microsoft.Insights/components',
};
const OF_THE_APP: readonly Wanted[] = [
  {
    role: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    name: 'Storage Blob Data Owner',
    type: 'Microsoft.Storage/storageAccounts',
  },
  {
    role: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3',
    name: 'Storage Table Data Contributor',
    type: 'Microsoft.Storage/storageAccounts',
    child: '/tableServices/default/tables/budgets',
  },
  METRICS,
];
const ON_THE_VAULT: Wanted = {
  role: '4633458b-17de-408a-b874-0445c86b69e6',
  name: 'Key Vault Secrets User',
  type: 'Microsoft.KeyVault/vaults',
};

export const roles: Check = {
  id: '6',
  title: 'The identities have their roles, and no others',
  layer: 'Azure',
  needs: ['3'],
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const identity = present(
      await deployed.ofType('Microsoft.ManagedIdentity/userAssignedIdentities', VERSIONS.identity),
      "the app's identity",
      'azd provision',
    );
    const group = present(await deployed.resources(), 'the resource group', 'azd up');
    const vault = ifPresent(await deployed.vault());
    const wanted = vault === undefined ? OF_THE_APP : [...OF_THE_APP, ON_THE_VAULT];
    const all = [...group, ...(vault === undefined ? [] : [{ id: text(vault, 'id'), type: ON_THE_VAULT.type }])];
    const given = await assignments(deployed, text(identity, 'properties', 'principalId'));
    const lacking = wanted.find((each) => !given.some((assignment) => fits(each, assignment, all)));
    if (lacking !== undefined) return missing(`the app's identity ${text(identity, 'name')}`, lacking);
    const principals = present(await deployed.gatewayPrincipals(), 'the identity of the gateway', 'azd provision');
    const ofGateway = await Promise.all(principals.map((each) => assignments(deployed, each)));
    if (!ofGateway.flat().some((assignment) => fits(METRICS, assignment, all))) return missing('the gateway', METRICS);
    const others = given.filter((assignment) => !wanted.some((each) => fits(each, assignment, all)));
    const found = `${wanted.length} roles of the app's identity, 1 of the gateway`;
    if (others.length === 0) return ok(found);
    const what = others.map((each) => text(each, 'properties', 'scope').split('/').slice(-2).join('/')).join(', ');
    return warning(
      `${found}; the app's identity has ${others.length} more, on ${what}`,
      'Take away what the template has not given: whoever may deploy to the app has these rights, too',
    );
  },
};

function missing(who: string, { name, type }: Wanted) {
  return failed(
    `${who} lacks ${name} on ${type}`,
    'azd provision, by somebody who may assign roles; a new role takes up to ten minutes to work',
  );
}

async function assignments({ resourceManager, place }: Deployed, principalId: string): Promise<readonly Json[]> {
  const filter = encodeURIComponent(`principalId eq '${principalId}'`);
  const path = `/subscriptions/${place.subscriptionId}/providers/Microsoft.Authorization/roleAssignments`;
  return present(
    await resourceManager.list(`${path}?$filter=${filter}&api-version=${VERSIONS.roles}`),
    'the role assignments',
    'azd provision',
  );
}

function fits({ role, type, child = '' }: Wanted, assignment: unknown, resources: readonly Json[]): boolean {
  const scope = text(assignment, 'properties', 'scope');
  return (
    text(assignment, 'properties', 'roleDefinitionId').toLowerCase().endsWith(role) &&
    resources.some((each) => same(text(each, 'type'), type) && same(text(each, 'id') + child, scope))
  );
}
