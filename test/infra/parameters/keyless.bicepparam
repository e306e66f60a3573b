using '../../../infra/main.bicep'

param environmentName = 'keyless'
param location = 'westeurope'
param bedrockRegion = 'eu-central-1'
param apimName = 'apim-contoso'
param apimResourceGroupName = 'rg-gateway'
param proxyAppClientId = '11111111-1111-1111-1111-111111111111'
param gatewayAddresses = ['192.0.2.10/32']
param awsRoleArn = 'arn:aws:iam::111122223333:role/bedrock-proxy'
param awsWebIdentityAudience = 'api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
