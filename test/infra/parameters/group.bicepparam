using '../../../infra/group.bicep'

param environmentName = 'given'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param tags = {
  costCentre: '4711'
}
param resourceNames = {
  functionApp: 'func-contoso-bedrock-prod'
  vault: 'kv-contoso-bedrock-prod'
}
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param gatewayAddresses = ['192.0.2.10/32']
