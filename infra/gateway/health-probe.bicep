@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('What the names of everything that is put into the instance begin with; the name of the API as well.')
param prefix string

@description('Name of the subscription, whose key an availability test asks the service for.')
param subscriptionName string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: service
  name: prefix
}

// A product of its own: its policy lets the key ask for /health and nothing else.
resource product 'Microsoft.ApiManagement/service/products@2024-05-01' = {
  parent: service
  name: '${prefix}-health'
  properties: {
    displayName: 'Amazon Bedrock: health'
    description: 'For the availability test of the proxy.'
    state: 'notPublished'
    subscriptionRequired: true
    approvalRequired: true
  }

  resource link 'apiLinks' = {
    name: prefix
    properties: {
      apiId: api.id
    }
  }

  resource policies 'policies' = {
    name: 'policy'
    properties: {
      format: 'rawxml'
      value: loadTextContent('policies/health-only.xml')
    }
  }
}

resource subscription 'Microsoft.ApiManagement/service/subscriptions@2024-05-01' = {
  parent: service
  name: subscriptionName
  properties: {
    displayName: 'Availability test of the Bedrock proxy'
    scope: product.id
    state: 'active'
    allowTracing: false
  }
  // No key before the policy that limits it.
  dependsOn: [product::policies, product::link]
}
