import { endpointNetwork } from 'private-dns.bicep'

@description('Name of the endpoint.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Where it goes, and where its name is kept.')
param network endpointNetwork

@description('Resource that the endpoint leads to.')
param targetId string

@description('Sub-resource of the target.')
@allowed(['blob', 'table', 'vault', 'sites'])
param groupId string

@description('Private DNS zone of the sub-resource, for one that is made.')
param zoneName string

var virtualNetworkId = join(take(split(network.subnetId, '/'), 9), '/')
var existingZoneId = network.dns[?groupId]
var createZone = existingZoneId == null && network.dns.create

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = if (createZone) {
  name: zoneName
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: last(split(virtualNetworkId, '/'))
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        #disable-next-line use-resource-id-functions // The beginning of the subnet's id.
        id: virtualNetworkId
      }
    }
  }
}

resource endpoint 'Microsoft.Network/privateEndpoints@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: {
      id: network.subnetId
    }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: targetId
          groupIds: [
            groupId
          ]
        }
      }
    ]
  }

  resource zoneGroup 'privateDnsZoneGroups' = if (createZone || existingZoneId != null) {
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: groupId
          properties: {
            privateDnsZoneId: existingZoneId ?? zone.id
          }
        }
      ]
    }
  }
}
