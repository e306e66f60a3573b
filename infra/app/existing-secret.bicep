@description('Name of the vault, in the resource group of this deployment.')
param vaultName string

@description('Name of the secret that holds the AWS keys, which must be there.')
param secretName string

@description('Object id of the function app\'s identity, which reads the secret.')
param readerPrincipalId string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName

  resource secret 'secrets' existing = {
    name: secretName
  }
}

// The vault holds what is none of the proxy's business: a role on the one secret.
resource reader 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault::secret
  name: guid(vault::secret.id, readerPrincipalId, keyVaultSecretsUser)
  properties: {
    principalId: readerPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
  }
}

@description('URI of the vault.')
output uri string = vault.properties.vaultUri

@description('Name of the vault.')
output name string = vault.name
