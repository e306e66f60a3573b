@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('What the names of everything in the instance begin with.')
param prefix string

@description('Resource id of the function app that the API belongs to.')
param functionAppId string

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

// The first deployment writes its app into it, every later one reads it: an API of this name that leads to another app
// must not be taken over by accident. A template cannot ask whether something is there; it can leave it as it is.
@onlyIfNotExists()
resource claim 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = {
  parent: service
  name: '${prefix}-owner'
  properties: {
    displayName: '${prefix}-owner'
    value: functionAppId
  }
}

@description('Resource id of the function app that the API of this name belongs to.')
output functionAppId string = claim.properties.value
