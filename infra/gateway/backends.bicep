import { poolMember } from 'pool-member.bicep'

@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the backend of this deployment\'s app; those around it take theirs from it.')
param name string

@description('Name of the pool, where there are several apps. Not that of a backend: one does not change into a pool and back.')
param poolName string

@description('How the function knows the gateway.')
@allowed(['entra', 'functionKey'])
param callerAuth string

@description('The function apps. The first is the one of this deployment; with more, calls are spread over all.')
@minLength(1)
param members poolMember[]

var pooled = length(members) > 1

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

module backends 'backend.bicep' = [
  for (member, index) in members: {
    params: {
      apimName: apimName
      name: index == 0 ? name : '${name}-${index}'
      functionAppId: member.id
      callerAuth: callerAuth
      circuitBreaker: pooled
    }
  }
]

resource pool 'Microsoft.ApiManagement/service/backends@2024-05-01' = if (pooled) {
  parent: service
  name: poolName
  properties: {
    description: 'Function apps that sign calls to Amazon Bedrock.'
    type: 'Pool'
    pool: {
      services: [
        for (member, index) in members: {
          id: backends[index].outputs.id
          priority: member.?priority ?? 1
          weight: member.?weight ?? 1
        }
      ]
    }
  }
}
