import { endpointNetwork } from 'private-dns.bicep'

@description('Name of the vault.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Object id of the function app\'s identity, which reads the AWS keys.')
param readerPrincipalId string

@description('Object id of who stores the AWS keys: a user, a group or a service principal.')
param officerPrincipalId string

@description('Log Analytics workspace of the audit log.')
param workspaceId string

@description('Where the private endpoint goes; null leaves the vault on its public endpoint, for holders of a role only.')
param network endpointNetwork?

@description('With a private endpoint: addresses (CIDR) that may reach the public endpoint all the same, to store the keys. None: it is closed.')
param allowedAddresses string[]

@description('True: the vault can be deleted only when its lock is.')
param deleteLock bool

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var open = network == null || !empty(allowedAddresses)

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // Can never be switched off again: a deleted vault keeps its name for 90 days.
    enablePurgeProtection: true
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: open ? 'Enabled' : 'Disabled'
    networkAcls: {
      // The exception for trusted services does not cover a function's own calls.
      bypass: 'None'
      defaultAction: network == null ? 'Allow' : 'Deny'
      ipRules: [for address in allowedAddresses: { value: address }]
    }
  }
}

#disable-next-line use-recent-api-versions // The stable version of 2016 has no category groups.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        categoryGroup: 'audit'
        enabled: true
      }
    ]
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (deleteLock) {
  scope: vault
  name: 'delete'
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the AWS keys of the Bedrock proxy.'
  }
}

// The vault belongs to this proxy alone, hence roles on the vault and not on its one secret.
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, readerPrincipalId, keyVaultSecretsUser)
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

resource officer 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, officerPrincipalId, keyVaultSecretsOfficer)
  properties: {
    // No principalType: the deployer may be a person or a pipeline, and exists long enough to be found without it.
    principalId: officerPrincipalId
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

module endpoint 'private-endpoint.bicep' = if (network != null) {
  params: {
    name: 'pe-${name}'
    location: location
    tags: tags
    network: network!
    targetId: vault.id
    groupId: 'vault'
    // .vault.azure.net -> privatelink.vaultcore.azure.net, and alike in the other clouds.
    zoneName: replace(environment().suffixes.keyvaultDns, '.vault.', 'privatelink.vaultcore.')
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('URI of the vault.')
output uri string = vault.properties.vaultUri

@description('Name of the vault.')
output name string = vault.name
