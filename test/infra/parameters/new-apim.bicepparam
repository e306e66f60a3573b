using '../../../infra/main.bicep'

param environmentName = 'trial'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param createApim = true
param apimPublisherEmail = 'platform@contoso.com'
param gatewayAddresses = ['AzureCloud.westeurope']
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param alwaysReadyInstances = 1
param maximumInstanceCount = 40
param alertEmail = 'on-call@contoso.com'
param alertErrorPercent = 2
param tracePercent = 5
