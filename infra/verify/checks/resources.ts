import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { list, same, text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok } from '../finding.ts';

const TYPES = [
  'Microsoft.Web/serverfarms',
  'Microsoft.Web/sites',
  'Microsoft.Storage/storageAccounts',
  'Microsoft.ManagedIdentity/userAssignedIdentities',
  'Microsoft.Insights/components',
];

export const resources: Check = {
  id: '3',
  title: 'All resources are there',
  layer: 'Azure',
  needs: ['1'],
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const all = present(await deployed.resources(), `the resource group ${deployed.place.group}`, 'azd up');
    // A vault, a workspace or a network may have been there before, in a group of its own.
    const missing = TYPES.find((type) => !all.some((each) => same(text(each, 'type'), type)));
    const unfinished = all.find((each) => {
      const state = text(each, 'provisioningState');
      return state !== '' && state !== 'Succeeded' && TYPES.some((type) => same(type, text(each, 'type')));
    });
    if (missing === undefined && unfinished === undefined) {
      return ok(`${TYPES.length} kinds of resources in ${deployed.place.group}, all provisioned`);
    }
    const what =
      missing === undefined
        ? `${text(unfinished, 'name')} is ${text(unfinished, 'provisioningState')}`
        : `there is no ${missing} in ${deployed.place.group}`;
    return failed(`${what}${await lastFailure(deployed)}`, 'Mend what the deployment says, then azd provision');
  },
};

/** What the last failed deployment says, at the bottom of its error. */
async function lastFailure({ resourceManager, place }: Deployed): Promise<string> {
  const group = `/subscriptions/${place.subscriptionId}/resourceGroups/${place.group}`;
  const filter = encodeURIComponent("provisioningState eq 'Failed'");
  const failures = await resourceManager.list(
    `${group}/providers/Microsoft.Resources/deployments?$filter=${filter}&api-version=${VERSIONS.resources}`,
  );
  if (!('found' in failures)) return '';
  const newest = failures.found.toSorted((a, b) =>
    text(b, 'properties', 'timestamp').localeCompare(text(a, 'properties', 'timestamp')),
  )[0];
  let error = newest?.['properties'] as unknown;
  for (let inner: unknown = error; inner !== undefined;) {
    error = inner;
    inner = list(inner, 'details')[0] ?? (inner as { error?: unknown }).error;
  }
  const message = text(error, 'message');
  return message === '' ? '' : `; the last failed deployment says: ${text(error, 'code')}: ${message.slice(0, 300)}`;
}
