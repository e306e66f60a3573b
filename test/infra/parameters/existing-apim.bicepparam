using '../../../infra/main.bicep'

// The longest name there can be, with every kind of character that azd allows.
param environmentName = 'Production-(eu)_1.0-abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr'
param location = 'germanywestcentral'
param bedrockRegion = 'eu-central-1'
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param apimSubscriptionId = '00000000-0000-0000-0000-000000000003'
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param appSettings = {
  STREAM_DEADLINE_SECONDS: '900'
}
