import { describe, expect, it } from 'vitest';

import { describeRoles } from './access.ts';
import { at, type Expansion, type Expansions, ofType } from './expand.ts';

/** Who may do what, and from where. */
export function checkAccess(read: () => Expansions): void {
  describe('access', () => {
    it('gives exactly these roles, each on the one resource that needs it', () => {
      for (const [name, expansion] of Object.entries(read())) {
        expect(describeRoles(expansion), name).toEqual([
          'Monitoring Metrics Publisher on Microsoft.Insights/components for identity (ServicePrincipal)',
          'Monitoring Metrics Publisher on Microsoft.Insights/components for gateway (ServicePrincipal)',
          'Storage Blob Data Owner on Microsoft.Storage/storageAccounts for identity (ServicePrincipal)',
          'Storage Table Data Contributor on Microsoft.Storage/storageAccounts/tableServices/tables for identity (ServicePrincipal)',
          'Key Vault Secrets User on Microsoft.KeyVault/vaults for identity (ServicePrincipal)',
          'Key Vault Secrets Officer on Microsoft.KeyVault/vaults for [deployer().objectId] (any type)',
        ]);
      }
    });

    it('has no shared keys: storage, telemetry and deployment take Entra tokens only', () => {
      for (const [name, expansion] of Object.entries(read())) {
        const [account] = ofType(expansion, 'Microsoft.Storage/storageAccounts');
        expect(account, name).toMatchObject({
          properties: { allowSharedKeyAccess: false, allowBlobPublicAccess: false, minimumTlsVersion: 'TLS1_2' },
        });
        const [component] = ofType(expansion, 'Microsoft.Insights/components');
        expect(component, name).toMatchObject({ properties: { DisableLocalAuth: true } });
        const [workspace] = ofType(expansion, 'Microsoft.OperationalInsights/workspaces');
        expect(workspace, name).toMatchObject({ properties: { features: { disableLocalAuth: true } } });
        const policies = ofType(expansion, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');
        expect(
          policies.map((policy) => at(policy, 'properties', 'allow')),
          name,
        ).toEqual([false, false]);
      }
    });

    it('asks for a secret in two places only: a function key, kept as one, and a key that opens /health alone', () => {
      const withKeys = Object.entries(read()).flatMap(([name, { predictedResources }]) =>
        predictedResources
          .filter((resource) => /list[A-Z]\w*\(/.test(JSON.stringify(resource)))
          .map((resource) => `${name}: ${resource.name} ${String(at(resource, 'properties', 'secret'))}`),
      );
      expect(withKeys).toEqual([
        expect.stringMatching(/^created: health-\w+ undefined$/),
        'functionKey: apim-contoso/bedrock-proxy-key true',
        expect.stringMatching(/^pool: health-\w+ undefined$/),
      ]);
    });

    it('gives the availability test a key of a product whose policy lets nothing but /health through', () => {
      const { created } = read();
      const [subscription] = ofType(created, 'Microsoft.ApiManagement/service/subscriptions');
      const product = ofType(created, 'Microsoft.ApiManagement/service/products').find(({ name }) =>
        name.endsWith('/bedrock-health'),
      );
      expect(subscription).toMatchObject({ properties: { scope: product?.id, allowTracing: false } });
      const [policy, ...others] = ofType(created, 'Microsoft.ApiManagement/service/products/policies');
      expect(others).toEqual([]);
      expect(policy?.name.startsWith(`${product?.name}/`)).toBe(true);
      expect(at(policy, 'properties', 'value')).toContain('context.Operation.Id != "health"');
      const [test] = ofType(created, 'Microsoft.Insights/webtests');
      expect(at(test, 'properties', 'Request', 'Headers', 0, 'value')).toMatch(
        /listSecrets\('.*\/subscriptions\/bedrock-health', .*primaryKey\]$/,
      );
    });

    it('keeps deleted keys and the audit log of the vault', () => {
      for (const [name, expansion] of Object.entries(read())) {
        const [vault] = ofType(expansion, 'Microsoft.KeyVault/vaults');
        expect(vault, name).toMatchObject({
          properties: {
            enableRbacAuthorization: true,
            enablePurgeProtection: true,
            enableSoftDelete: true,
            softDeleteRetentionInDays: 90,
          },
        });
        const [audit] = ofType(expansion, 'Microsoft.Insights/diagnosticSettings');
        expect(audit?.id, name).toBe(`${vault?.id}/providers/Microsoft.Insights/diagnosticSettings/audit`);
        expect(at(audit, 'properties', 'logs'), name).toEqual([{ categoryGroup: 'audit', enabled: true }]);
      }
    });

    it('lets nobody but the gateway reach the app', () => {
      const { existing, created, functionKey } = read();
      const siteConfig = (expansion: Expansion) =>
        at(ofType(expansion, 'Microsoft.Web/sites')[0], 'properties', 'siteConfig');
      for (const [name, expansion] of Object.entries(read())) {
        expect(siteConfig(expansion), name).toMatchObject({
          ipSecurityRestrictionsDefaultAction: 'Deny',
          minTlsVersion: '1.2',
        });
        expect(ofType(expansion, 'Microsoft.Web/sites')[0], name).toMatchObject({
          properties: { httpsOnly: true, publicNetworkAccess: name === 'vnet' ? 'Disabled' : 'Enabled' },
        });
      }
      // The addresses of an existing instance are known to Azure only; without any, the deployment fails.
      expect(at(siteConfig(existing), 'ipSecurityRestrictions')).toMatch(
        /gateway.*\.outputs\.addresses\.value.*fail\(/,
      );
      expect(at(siteConfig(functionKey), 'ipSecurityRestrictions')).toEqual([
        { name: 'gateway-0', action: 'Allow', priority: 100, tag: 'Default', ipAddress: '192.0.2.10/32' },
        { name: 'gateway-1', action: 'Allow', priority: 101, tag: 'Default', ipAddress: '192.0.2.11/32' },
      ]);
      expect(at(siteConfig(created), 'ipSecurityRestrictions')).toEqual([
        { name: 'gateway-0', action: 'Allow', priority: 100, tag: 'ServiceTag', ipAddress: 'AzureCloud.westeurope' },
      ]);
    });

    it('closes vault and storage with a virtual network, but for addresses named', () => {
      const { vnet, functionKey } = read();
      const rules = (expansion: Expansion, type: string) => {
        const [resource] = ofType(expansion, type);
        return {
          publicNetworkAccess: at(resource, 'properties', 'publicNetworkAccess'),
          defaultAction: at(resource, 'properties', 'networkAcls', 'defaultAction'),
          ipRules: at(resource, 'properties', 'networkAcls', 'ipRules') ?? [],
        };
      };
      const closed = { publicNetworkAccess: 'Disabled', defaultAction: 'Deny', ipRules: [] };
      expect(rules(vnet, 'Microsoft.KeyVault/vaults')).toEqual(closed);
      expect(rules(vnet, 'Microsoft.Storage/storageAccounts')).toEqual(closed);
      expect(rules(functionKey, 'Microsoft.Storage/storageAccounts')).toEqual(closed);
      expect(rules(functionKey, 'Microsoft.KeyVault/vaults')).toEqual({
        publicNetworkAccess: 'Enabled',
        defaultAction: 'Deny',
        ipRules: [{ value: '198.51.100.7/32' }],
      });
    });

    it('leads to vault, storage and a private app through endpoints with a name, and out by one address', () => {
      const { existing, vnet, functionKey } = read();
      const groups = (expansion: Expansion) =>
        ofType(expansion, 'Microsoft.Network/privateEndpoints').map((endpoint) =>
          at(endpoint, 'properties', 'privateLinkServiceConnections', 0, 'properties', 'groupIds', 0),
        );
      expect(groups(vnet)).toEqual(['table', 'blob', 'vault', 'sites']);
      expect(groups(functionKey)).toEqual(['table', 'blob', 'vault']);
      expect(groups(existing)).toEqual([]);
      expect(ofType(vnet, 'Microsoft.Network/privateDnsZones').map(({ name }) => name)).toEqual([
        "[format('privatelink.table.{0}', environment().suffixes.storage)]",
        "[format('privatelink.blob.{0}', environment().suffixes.storage)]",
        "[replace(environment().suffixes.keyvaultDns, '.vault.', 'privatelink.vaultcore.')]",
        expect.stringMatching(/^\[format\('privatelink\.\{0\}', .*\.outputs\.domain\.value\)\]$/),
      ]);
      expect(ofType(vnet, 'Microsoft.Network/privateDnsZones/virtualNetworkLinks')).toHaveLength(4);
      expect(ofType(vnet, 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups')).toHaveLength(4);

      const [network] = ofType(vnet, 'Microsoft.Network/virtualNetworks');
      const [gateway] = ofType(vnet, 'Microsoft.Network/natGateways');
      // Subnets that stand in the network itself would take away all others with each deployment.
      expect(at(network, 'properties')).not.toHaveProperty('subnets');
      const rules = ofType(vnet, 'Microsoft.Network/networkSecurityGroups');
      expect(ofType(vnet, 'Microsoft.Network/virtualNetworks/subnets')).toMatchObject([
        {
          properties: {
            addressPrefix: '10.0.0.0/25',
            natGateway: { id: gateway?.id },
            networkSecurityGroup: { id: rules[0]?.id },
            delegations: [{ properties: { serviceName: 'Microsoft.App/environments' } }],
          },
        },
        { properties: { addressPrefix: '10.0.0.128/25', networkSecurityGroup: { id: rules[1]?.id } } },
      ]);
      expect(at(rules[1], 'properties', 'securityRules')).toMatchObject([
        { properties: { access: 'Allow', sourceAddressPrefix: 'VirtualNetwork', destinationPortRange: '443' } },
        { properties: { access: 'Deny', sourceAddressPrefix: '*', destinationPortRange: '*' } },
      ]);
      const [app] = ofType(vnet, 'Microsoft.Web/sites');
      expect(at(app, 'properties', 'virtualNetworkSubnetId')).toMatch(/\.outputs\.appSubnetId\.value\]$/);
    });
  });
}
