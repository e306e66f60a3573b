@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the API, and of the product.')
param prefix string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: service
  name: prefix
}

resource product 'Microsoft.ApiManagement/service/products@2024-05-01' = {
  parent: service
  name: prefix
  properties: {
    displayName: 'Amazon Bedrock'
    description: 'Models of Amazon Bedrock, signed by the proxy.'
    state: 'published'
    subscriptionRequired: true
    approvalRequired: true
  }

  resource link 'apiLinks' = {
    name: prefix
    properties: {
      apiId: api.id
    }
  }
}
