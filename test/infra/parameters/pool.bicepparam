using '../../../infra/main.bicep'

param environmentName = 'pool'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param furtherBedrockRegions = ['eu-west-1', 'eu-north-1']
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param apimUserAssignedIdentityId = '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-gateway/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-gateway'
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param gatewayNamePrefix = 'claims-bedrock'
param apiPath = 'claims'
param nodeVersion = '22'
param tracePercent = 0
param poolWeight = 3
param poolMembers = [
  {
    id: '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-other/providers/Microsoft.Web/sites/func-other'
    priority: 2
  }
]
param actionGroupIds = [
  '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-operations/providers/Microsoft.Insights/actionGroups/on-call'
]
param operationGroups = ['inference', 'discovery', 'retrieval', 'agents', 'agentcore', 'mantle']
