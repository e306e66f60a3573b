using '../../../infra/main.bicep'

param environmentName = 'private'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param updateStrategy = 'RollingUpdate'
param alwaysReadyInstances = 2
param vnetEnabled = true
param privateIngress = true
