@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the API.')
param name string

@description('Path of the API on the gateway.')
param path string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

// The same as definition.bicep, but for "bearer". No published type has that property; what is known to take it are the
// preview versions that Microsoft's AI-Gateway samples deploy with. A stable version may drop it without a word.
#disable-next-line use-recent-api-versions
resource api 'Microsoft.ApiManagement/service/apis@2025-03-01-preview' = {
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
      #disable-next-line BCP037
      bearer: 'enabled'
    }
  }
}

@description('What the service says of the property after it has stored the API: enabled, or nothing if it has dropped it.')
#disable-next-line BCP083
output bearer string = api.properties.subscriptionKeyParameterNames.?bearer ?? ''
