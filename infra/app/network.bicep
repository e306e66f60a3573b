@description('Name of the virtual network; the resources around it take theirs from it.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Address space, at least a /25: half of it for the app, half for private endpoints.')
param addressPrefix string

@description('SKU of the NAT gateway, which is the way out.')
@allowed(['Standard', 'StandardV2'])
param natGatewaySku string

var prefixLength = int(last(split(addressPrefix, '/')))

// Bedrock is reached over the internet. A subnet has no way out of its own any more, and a fixed address can be named
// in an IAM policy (aws:SourceIp).
resource address 'Microsoft.Network/publicIPAddresses@2025-05-01' = {
  name: 'pip-${name}'
  location: location
  tags: tags
  sku: {
    // Both are of one kind: StandardV2 spans the zones of the region.
    name: natGatewaySku
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource gateway 'Microsoft.Network/natGateways@2025-05-01' = {
  name: 'ng-${name}'
  location: location
  tags: tags
  sku: {
    name: natGatewaySku
  }
  properties: {
    // The longest silence the platform allows in a stream is four minutes; the gateway must not be the first to give up.
    idleTimeoutInMinutes: 10
    publicIpAddresses: [
      {
        id: address.id
      }
    ]
  }
}

// The default rules are what is meant: in from the network alone, out everywhere. A group must be there for those of a
// network team, and for policies that deny a subnet without one.
resource appRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}-app'
  location: location
  tags: tags
}

// An endpoint is for HTTPS from the network, and for nothing else.
resource endpointRules 'Microsoft.Network/networkSecurityGroups@2025-05-01' = {
  name: 'nsg-${name}-private-endpoints'
  location: location
  tags: tags
  properties: {
    securityRules: [
      {
        name: 'https'
        properties: {
          access: 'Allow'
          direction: 'Inbound'
          priority: 100
          protocol: 'Tcp'
          sourceAddressPrefix: 'VirtualNetwork'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '443'
        }
      }
      {
        name: 'nothing-else'
        properties: {
          access: 'Deny'
          direction: 'Inbound'
          priority: 4096
          protocol: '*'
          sourceAddressPrefix: '*'
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRange: '*'
        }
      }
    ]
  }
}

// Without the property "subnets": with it, each deployment would take away what is not in it, such as a subnet that was
// added by hand.
resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
  }

  resource appSubnet 'subnets' = {
    name: 'app'
    properties: {
      addressPrefix: cidrSubnet(addressPrefix, prefixLength + 1, 0)
      defaultOutboundAccess: false
      networkSecurityGroup: {
        id: appRules.id
      }
      natGateway: {
        id: gateway.id
      }
      delegations: [
        {
          name: 'flex-consumption'
          properties: {
            serviceName: 'Microsoft.App/environments'
          }
        }
      ]
    }
  }

  resource endpointSubnet 'subnets' = {
    name: 'private-endpoints'
    properties: {
      addressPrefix: cidrSubnet(addressPrefix, prefixLength + 1, 1)
      defaultOutboundAccess: false
      privateEndpointNetworkPolicies: 'NetworkSecurityGroupEnabled'
      networkSecurityGroup: {
        id: endpointRules.id
      }
    }
    // A network takes one change at a time.
    dependsOn: [appSubnet]
  }
}

@description('Subnet that the app sends its traffic through.')
output appSubnetId string = network::appSubnet.id

@description('Subnet of the private endpoints.')
output endpointSubnetId string = network::endpointSubnet.id

@description('The one address from which Bedrock sees the calls.')
output outboundAddress string = address.properties.ipAddress
