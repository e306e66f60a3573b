using '../../../infra/main.bicep'

param environmentName = 'keys'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param callerAuth = 'functionKey'
param acceptBearerKey = false
param gatewayAddresses = ['192.0.2.10/32', '192.0.2.11/32']
param vnetEnabled = true
param vaultAllowedAddresses = ['198.51.100.7/32']
