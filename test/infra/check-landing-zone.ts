import { describe, expect, it } from 'vitest';

import { describeRoles } from './access.ts';
import { at, type Expansion, ofType } from './expand.ts';

const OTHER = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups';
const NETWORK = `${OTHER}/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-spoke/subnets`;
const WORKSPACE = `${OTHER}/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-contoso`;

/** What the owner of a landing zone gives, and asks for beyond the defaults. */
export function checkLandingZone(read: () => Expansion): void {
  describe('in a landing zone', () => {
    const settingsOf = (expansion: Expansion) => {
      const [app] = ofType(expansion, 'Microsoft.Web/sites');
      const pairs = at(app, 'properties', 'siteConfig', 'appSettings') as { name: string; value: string }[];
      return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
    };

    it('makes nothing that is given: no network, address, zone, workspace or vault', () => {
      const made = new Set(read().predictedResources.map(({ type }) => type));
      for (const type of [
        'Microsoft.Network/virtualNetworks',
        'Microsoft.Network/virtualNetworks/subnets',
        'Microsoft.Network/publicIPAddresses',
        'Microsoft.Network/natGateways',
        'Microsoft.Network/networkSecurityGroups',
        'Microsoft.Network/privateDnsZones',
        'Microsoft.Network/privateDnsZones/virtualNetworkLinks',
        'Microsoft.OperationalInsights/workspaces',
        'Microsoft.KeyVault/vaults',
        'Microsoft.EventGrid/systemTopics',
      ]) {
        expect(made, type).not.toContain(type);
      }
    });

    it('goes through the subnets that are given', () => {
      const expansion = read();
      const [app] = ofType(expansion, 'Microsoft.Web/sites');
      expect(at(app, 'properties', 'virtualNetworkSubnetId')).toBe(`${NETWORK}/bedrock-app`);
      const endpoints = ofType(expansion, 'Microsoft.Network/privateEndpoints');
      expect(endpoints).toHaveLength(3);
      for (const endpoint of endpoints) {
        expect(at(endpoint, 'properties', 'subnet', 'id')).toBe(`${NETWORK}/endpoints`);
      }
    });

    it('keeps names in the zones that are given, and leaves the others to a policy', () => {
      const groups = ofType(read(), 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups');
      const zones = groups.map((group) =>
        at(group, 'properties', 'privateDnsZoneConfigs', 0, 'properties', 'privateDnsZoneId'),
      );
      expect(zones).toEqual([expect.stringMatching(/rg-dns.*privatelink\.azurewebsites\.net$/)]);
    });

    it('reads one secret of a vault that holds others', () => {
      const expansion = read();
      expect(describeRoles(expansion)).toContain(
        'Key Vault Secrets User on Microsoft.KeyVault/vaults/secrets for identity (ServicePrincipal)',
      );
      const assignment = ofType(expansion, 'Microsoft.Authorization/roleAssignments').find(({ id }) =>
        id.includes('/secrets/'),
      );
      expect(assignment?.id).toContain(
        `${OTHER}/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-contoso/secrets/bedrock-keys`,
      );
      expect(settingsOf(expansion)).toMatchObject({
        KEY_VAULT_URI: expect.stringMatching(/existingSecret.*\.outputs\.uri\.value\]$/),
        AWS_CREDENTIALS_SECRET_NAME: 'bedrock-keys',
      });
    });

    it('writes to the workspace that is given: log, audit logs, the log of the gateway', () => {
      const expansion = read();
      const [component] = ofType(expansion, 'Microsoft.Insights/components');
      expect(at(component, 'properties', 'WorkspaceResourceId')).toBe(WORKSPACE);
      const settings = ofType(expansion, 'Microsoft.Insights/diagnosticSettings').map((setting) => {
        expect(at(setting, 'properties', 'workspaceId')).toBe(WORKSPACE);
        const logs = at(setting, 'properties', 'logs') as { category: string; enabled: boolean }[];
        return logs.map(({ category, enabled }) => (enabled ? category : ''));
      });
      expect(settings.flat().toSorted()).toEqual([
        'AppServiceAuditLogs',
        'AppServiceIPSecAuditLogs',
        'GatewayLogs',
        'StorageDelete',
        'StorageRead',
        'StorageWrite',
      ]);
      for (const rule of ofType(expansion, 'Microsoft.Insights/scheduledQueryRules')) {
        expect(at(rule, 'properties', 'scopes')).toEqual([WORKSPACE]);
      }
    });

    it('survives the loss of a zone, of a package and of a careless hand', () => {
      const expansion = read();
      expect(ofType(expansion, 'Microsoft.Web/serverfarms')[0]).toMatchObject({ properties: { zoneRedundant: true } });
      expect(ofType(expansion, 'Microsoft.Storage/storageAccounts')[0]).toMatchObject({
        sku: { name: 'Standard_ZRS' },
      });
      const kept = { enabled: true, days: 30 };
      expect(ofType(expansion, 'Microsoft.Storage/storageAccounts/blobServices')[0]).toMatchObject({
        properties: { isVersioningEnabled: true, deleteRetentionPolicy: kept, containerDeleteRetentionPolicy: kept },
      });
      const locks = ofType(expansion, 'Microsoft.Authorization/locks');
      expect(locks).toMatchObject([{ properties: { level: 'CanNotDelete' } }]);
      expect(locks[0]?.id).toContain('/storageAccounts/');
    });

    it('lets deployers in by address', () => {
      const [app] = ofType(read(), 'Microsoft.Web/sites');
      expect(at(app, 'properties', 'siteConfig')).toMatchObject({
        scmIpSecurityRestrictionsUseMain: false,
        scmIpSecurityRestrictionsDefaultAction: 'Deny',
        scmIpSecurityRestrictions: [{ action: 'Allow', ipAddress: '198.51.100.0/28' }],
      });
    });

    it('names nobody, and loses no record to sampling', () => {
      expect(settingsOf(read())).toMatchObject({
        CALLER_NAMES: 'none',
        AzureFunctionsJobHost__telemetryMode: 'ApplicationInsights',
        AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__isEnabled: 'false',
      });
    });

    it('samples the gateway, and tells of its own domain', () => {
      const expansion = read();
      for (const diagnostic of ofType(expansion, 'Microsoft.ApiManagement/service/apis/diagnostics')) {
        expect(at(diagnostic, 'properties', 'sampling')).toEqual({ samplingType: 'fixed', percentage: 10 });
      }
    });
  });
}
