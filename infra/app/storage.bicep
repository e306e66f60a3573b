import { endpointNetwork } from 'private-dns.bicep'

@description('Name of the storage account.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Object id of the function app\'s identity.')
param principalId string

@description('Where private endpoints go; null leaves the account on its public endpoint, for holders of a role only.')
param network endpointNetwork?

@description('True: keeps the data in all zones of the region.')
param zoneRedundant bool

@description('Days that a deleted or overwritten package can be had back.')
param undeleteDays int

@description('True: the account can be deleted only when its lock is.')
param deleteLock bool

@description('Workspace of the audit log: who reads, writes and deletes the package; null: none.')
param auditTo string?

var storageBlobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var storageTableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var packageContainer = 'app-package'
var budgetTable = 'budgets'

// Holds the deployment package, the locks of the Functions host and, encrypted, its keys, and what the budgets have used.
resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: network == null ? 'Enabled' : 'Disabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: network == null ? 'Allow' : 'Deny'
    }
  }

  resource tables 'tableServices' = {
    name: 'default'

    resource budgets 'tables' = {
      name: budgetTable
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      // Without its package an app cannot start an instance; an older version tells of one that was put in its place.
      isVersioningEnabled: true
      deleteRetentionPolicy: {
        enabled: true
        days: undeleteDays
      }
      containerDeleteRetentionPolicy: {
        enabled: true
        days: undeleteDays
      }
    }

    resource package 'containers' = {
      name: packageContainer
      properties: {
        publicAccess: 'None'
      }
    }
  }
}

// Older versions of the package go by themselves.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'older-versions'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 90
                }
              }
            }
          }
        }
      ]
    }
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (deleteLock) {
  scope: account
  name: 'delete'
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the package that the app starts from, and what the budgets have used.'
  }
}

#disable-next-line use-recent-api-versions // The stable version of 2016 does not know these categories.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (auditTo != null) {
  scope: account::blobs
  name: 'audit'
  properties: {
    workspaceId: auditTo
    logs: map(['StorageRead', 'StorageWrite', 'StorageDelete'], category => { category: category, enabled: true })
  }
}

// Owner and not Contributor: the Functions host sets permissions on its lock blobs.
resource packageOwner 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, principalId, storageBlobDataOwner)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageBlobDataOwner)
  }
}

// On the one table: the identity has no business with others, and does not make any.
resource budgetContributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account::tables::budgets
  name: guid(account.id, budgetTable, principalId, storageTableDataContributor)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', storageTableDataContributor)
  }
}

module tableEndpoint 'private-endpoint.bicep' = if (network != null) {
  params: {
    name: 'pe-${name}-table'
    location: location
    tags: tags
    network: network!
    targetId: account.id
    groupId: 'table'
    zoneName: 'privatelink.table.${environment().suffixes.storage}'
  }
}

module endpoint 'private-endpoint.bicep' = if (network != null) {
  params: {
    name: 'pe-${name}-blob'
    location: location
    tags: tags
    network: network!
    targetId: account.id
    groupId: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
  }
}

@description('Blob service endpoint, with a slash at the end.')
output blobEndpoint string = account.properties.primaryEndpoints.blob

@description('Name of the container that holds the deployment package.')
output packageContainer string = account::blobs::package.name

@description('URL of the table of the budgets.')
output budgetTableUri string = '${account.properties.primaryEndpoints.table}${account::tables::budgets.name}'
