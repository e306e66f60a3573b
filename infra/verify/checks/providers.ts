import { VERSIONS } from '../azure/deployed.ts';
import { text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok } from '../finding.ts';

const ALWAYS = ['Web', 'Storage', 'Insights', 'OperationalInsights', 'ManagedIdentity', 'ApiManagement'];

export const providers: Check = {
  id: '2',
  title: 'The resource providers are registered',
  layer: 'Azure',
  needs: ['1'],
  async run({ azure }) {
    const { resourceManager, place } = deployedIn(azure);
    const { VNET_ENABLED, AZURE_KEY_VAULT_NAME, ALERT_EMAIL } = azure.environment ?? {};
    const names = [
      ...ALWAYS,
      ...(AZURE_KEY_VAULT_NAME === '' ? [] : ['KeyVault']),
      ...(ALERT_EMAIL ? ['AlertsManagement'] : []),
      // Nothing of it is deployed, so that Azure does not register it by itself: the app's subnet is delegated to it.
      ...(VNET_ENABLED === 'true' ? ['Network', 'App'] : []),
    ].map((name) => `Microsoft.${name}`);
    const states = await Promise.all(
      names.map(async (name) => {
        const path = `/subscriptions/${place.subscriptionId}/providers/${name}?api-version=${VERSIONS.resources}`;
        const provider = present(
          await resourceManager.get(path),
          name,
          `az provider register --namespace ${name} --wait`,
        );
        return { name, state: text(provider, 'registrationState') };
      }),
    );
    const missing = states.find(({ state }) => state !== 'Registered');
    if (missing === undefined) return ok(`${names.length} of ${names.length} are`);
    return failed(
      `${missing.name} is ${missing.state || 'not known'}`,
      `az provider register --namespace ${missing.name} --wait, then azd provision`,
    );
  },
};
