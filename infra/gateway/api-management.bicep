@description('Name of the instance.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Name of the organisation, shown in notifications.')
param publisherName string

@description('Address that notifications go to.')
param publisherEmail string

@description('True: brings back a deleted instance of this name, which Azure keeps for 48 hours.')
param restore bool

// The smallest tier that streams (Consumption buffers) and is ready within minutes.
resource service 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'BasicV2'
    capacity: 1
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    publisherName: publisherName
    publisherEmail: publisherEmail
    restore: restore
    apiVersionConstraint: {
      minApiVersion: '2021-08-01'
    }
    customProperties: {
      // The AWS SDK for JavaScript speaks nothing but HTTP/2 to Bedrock.
      'Microsoft.WindowsAzure.ApiManagement.Gateway.Protocols.Server.Http2': 'True'
    }
  }
}

@description('Name of the instance.')
output name string = service.name
