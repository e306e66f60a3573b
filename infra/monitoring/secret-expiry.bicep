@description('Resource id of the vault.')
param vaultId string

@description('Part of the names, which tells environments apart.')
param suffix string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource ids of the action groups that are told.')
param actionGroupIds string[]

// A secret with an expiry tells it thirty days before, and when it has passed. It is read all the same: the expiry says
// when to rotate.
resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${suffix}'
  location: location
  tags: tags
  properties: {
    source: vaultId
    topicType: 'Microsoft.KeyVault.vaults'
  }

  resource expiry 'eventSubscriptions' = {
    name: 'secret-expiry'
    properties: {
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: {
        includedEventTypes: ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired']
      }
      destination: {
        endpointType: 'MonitorAlert'
        properties: {
          severity: 'Sev2'
          description: 'The secret with the AWS keys of the Bedrock proxy is about to expire, or has: rotate them.'
          actionGroups: actionGroupIds
        }
      }
    }
  }
}
