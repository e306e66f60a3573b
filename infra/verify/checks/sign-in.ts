import { same, text } from '../azure/json.ts';
import type { Check } from '../check.ts';
import { failed, ok, skipped } from '../finding.ts';

export const signIn: Check = {
  id: '1',
  title: 'az and azd are signed in to the same tenant and subscription',
  layer: 'Azure',
  needs: [],
  async run({ azure: { tools, account, deployed, environment = {} } }) {
    const versions = [
      'found' in tools.az ? `az ${text(tools.az.found, 'azure-cli')}` : 'no az',
      'found' in tools.azd ? `azd ${text(tools.azd.found, 'azd', 'version').split(' ')[0]}` : 'no azd',
    ].join(', ');
    if (!('found' in deployed)) return skipped('why' in deployed ? deployed.why : 'there is no deployment');
    if (!('found' in account)) return skipped(`${versions}; nobody is signed in to az: az login`);
    const [subscription, tenant] = [text(account.found, 'id'), text(account.found, 'tenantId')];
    const wanted = deployed.found.place.subscriptionId;
    const { AZURE_TENANT_ID: wantedTenant = '' } = environment;
    const login = `az login${wantedTenant === '' ? '' : ` --tenant ${wantedTenant}`} && az account set --subscription ${wanted}`;
    if (wantedTenant !== '' && !same(tenant, wantedTenant)) {
      return failed(`az is signed in to the tenant ${tenant}, azd works in ${wantedTenant}`, login);
    }
    if (!same(subscription, wanted)) {
      return failed(`az works in the subscription ${subscription}, the deployment is in ${wanted}`, login);
    }
    return ok(`${versions}; subscription ${subscription}`);
  },
};
