import { poolMember } from 'pool-member.bicep'

@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('What the names of everything that is put into the instance begin with.')
param prefix string

@description('True: the instance uses a user-assigned identity. False: its system-assigned one.')
param userAssignedIdentity bool

@description('Client id of the user-assigned identity.')
param identityClientId string

@description('Path of the API on the gateway.')
param path string

@description('How the function knows the gateway.')
@allowed(['entra', 'functionKey'])
param callerAuth string

@description('Application id URI of the function\'s app registration.')
param audience string

@description('Largest request body, in bytes: the function\'s MAX_REQUEST_BYTES.')
param maxRequestBytes int

@description('True: the subscription key is accepted as Authorization: Bearer too, which is what AWS_BEARER_TOKEN_BEDROCK sends.')
param acceptBearerKey bool

@description('Groups of operations that are served.')
param operationGroups string[]

@description('The function apps. The first is the one of this deployment; with more, calls are spread over all.')
@minLength(1)
param functionApps poolMember[]

// What a deployment changes of the policy; see the head of bedrock.xml.
var identityStatement = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />'
var userAssignedStatement = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" client-id="{{bedrock-proxy-identity}}" />'
var file = loadTextContent('policies/bedrock.xml')
var policy = callerAuth == 'functionKey'
  ? replace(file, identityStatement, '')
  : userAssignedIdentity ? replace(file, identityStatement, userAssignedStatement) : file
var appName = '${prefix}-proxy'
var poolName = '${prefix}-proxy-pool'
var backendName = length(functionApps) > 1 ? poolName : appName

// Paths that Bedrock has, by the groups of src/bedrock/README.md. A call to another one is refused by the gateway; which
// operation it is, the function decides.
var operations = filter(
  loadJsonContent('operations.json'),
  operation => !contains(operation, 'group') || contains(operationGroups, operation.group)
)

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource audienceValue 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = if (callerAuth == 'entra') {
  parent: service
  name: '${prefix}-proxy-audience'
  properties: {
    displayName: '${prefix}-proxy-audience'
    value: audience
  }
}

resource identityValue 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = if (callerAuth == 'entra' && userAssignedIdentity) {
  parent: service
  name: '${prefix}-proxy-identity'
  properties: {
    displayName: '${prefix}-proxy-identity'
    value: identityClientId
  }
}

resource maxRequestBytesValue 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = {
  parent: service
  name: '${prefix}-max-request-bytes'
  properties: {
    displayName: '${prefix}-max-request-bytes'
    value: string(maxRequestBytes)
  }
}

module backends 'backends.bicep' = {
  params: {
    apimName: apimName
    name: appName
    poolName: poolName
    callerAuth: callerAuth
    members: functionApps
  }
}

module definition 'definition.bicep' = if (!acceptBearerKey) {
  params: {
    apimName: apimName
    name: prefix
    path: path
  }
}

module definitionWithBearer 'definition-bearer.bicep' = if (acceptBearerKey) {
  params: {
    apimName: apimName
    name: prefix
    path: path
  }
}

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: service
  name: prefix

  resource operation 'operations' = [
    for operation in operations: {
      name: operation.name
      properties: {
        displayName: operation.displayName
        method: operation.method
        urlTemplate: operation.urlTemplate
      }
      dependsOn: [definition, definitionWithBearer]
    }
  ]

  resource policies 'policies' = {
    name: 'policy'
    properties: {
      format: 'rawxml'
      value: replace(
        replace(policy, '{{bedrock-', '{{${prefix}-'),
        'backend-id="bedrock-proxy"',
        'backend-id="${backendName}"'
      )
    }
    dependsOn: [definition, definitionWithBearer, audienceValue, identityValue, maxRequestBytesValue, backends]
  }
}

@description('What the service says about keys as bearer tokens, after it has stored the API: enabled, or nothing.')
output bearerKey string = acceptBearerKey ? definitionWithBearer!.outputs.bearer : ''
