@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the API.')
param name string

@description('Path of the API on the gateway.')
param path string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' = {
  parent: service
  name: name
  properties: {
    displayName: 'Amazon Bedrock'
    description: 'Amazon Bedrock runtime, signed on the way. The paths and messages are those of AWS.'
    path: path
    protocols: ['https']
    type: 'http'
    subscriptionRequired: true
    subscriptionKeyParameterNames: {
      header: 'api-key'
      query: 'api-key'
    }
  }
}
