using '../../../infra/main.bicep'

// A bank's: network, names, log and vault are given, and nothing may be lost or seen.
param environmentName = 'claims'
param resourceGroupName = 'rg-claims-bedrock-prod'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param gatewayUrl = 'https://api.contoso.com'
param gatewayLogPercent = 10
param gatewayResourceLogs = true
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param existingVaultId = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg-secrets/providers/Microsoft.KeyVault/vaults/kv-contoso'
param awsSecretName = 'bedrock-keys'
param existingWorkspaceId = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg-logs/providers/Microsoft.OperationalInsights/workspaces/log-contoso'
param auditLogs = true
param callerNames = 'none'
param hostTelemetry = 'ApplicationInsights'
param zoneRedundant = true
param alwaysReadyInstances = 2
param undeleteDays = 30
param deleteLocks = true
param deployerAddresses = ['198.51.100.0/28']
param vnetEnabled = true
param privateIngress = true
param appSubnetId = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/bedrock-app'
param endpointSubnetId = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-spoke/subnets/endpoints'
param privateDnsZones = {
  create: false
  vault: '/subscriptions/00000000-0000-0000-0000-000000000005/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net'
  sites: '/subscriptions/00000000-0000-0000-0000-000000000005/resourceGroups/rg-dns/providers/Microsoft.Network/privateDnsZones/privatelink.azurewebsites.net'
}
param actionGroupIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg-operations/providers/Microsoft.Insights/actionGroups/on-call'
]
param createAvailabilityTest = false
