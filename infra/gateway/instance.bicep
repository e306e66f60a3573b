@description('Name of the API Management instance, in the resource group of this deployment.')
param name string

@description('Resource id of the user-assigned identity that the instance uses; null: its system-assigned one.')
param userAssignedIdentityId string?

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: name
}

// Not of an empty string: the indexes below are taken even where there is no such identity.
var identityPath = split(userAssignedIdentityId ?? service.id, '/')

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = if (userAssignedIdentityId != null) {
  scope: resourceGroup(identityPath[2], identityPath[4])
  name: last(identityPath)
}

// The v2 tiers and Consumption share their outbound addresses with other customers and may change them at any time
// (Microsoft Learn, "IP addresses in Azure API Management"): what the instance says of itself is worth nothing there.
var tier = toLower(service.sku.name)
var v2 = endsWith(tier, 'v2')
var dedicated = !v2 && tier != 'consumption'
var addresses = flatten(map(
  concat([service.properties], service.properties.?additionalLocations ?? []),
  place => union(place.?publicIPAddresses ?? [], place.?outboundPublicIPAddresses ?? [])
))

@description('Resource id of the instance.')
output id string = service.id

@description('True: it is of a v2 tier.')
output tierV2 bool = v2

@description('Object id of the identity.')
output principalId string = userAssignedIdentityId == null
  ? service.identity.principalId
  : identity!.properties.principalId

@description('Client id of the identity; empty for the system-assigned one.')
output identityClientId string = userAssignedIdentityId == null ? '' : identity!.properties.clientId

@description('Outbound addresses (CIDR), where they are this instance\'s own.')
output addresses string[] = dedicated
  ? map(addresses, address => contains(address, '/') ? address : '${address}/32')
  : []

@description('URL of the gateway.')
output url string = service.properties.gatewayUrl
