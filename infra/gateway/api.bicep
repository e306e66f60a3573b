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

@description('Resource ids of the function apps. The first is the one of this deployment; with more, calls are spread over all.')
@minLength(1)
param functionAppIds string[]

@description('Application Insights component for the gateway\'s own telemetry.')
param component { name: string, resourceGroup: string, subscriptionId: string }

// What a deployment changes of the policy; see the head of bedrock.xml.
var identityStatement = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />'
var userAssignedStatement = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" client-id="{{bedrock-proxy-identity}}" />'
var file = loadTextContent('policies/bedrock.xml')
var policy = callerAuth == 'functionKey'
  ? replace(file, identityStatement, '')
  : userAssignedIdentity ? replace(file, identityStatement, userAssignedStatement) : file
var backendName = '${prefix}-proxy'

var pooled = length(functionAppIds) > 1

// Paths that Bedrock has. A call to another one is refused by the gateway; which operation it is, the function decides.
var operations = [
  { name: 'model', displayName: 'Models', method: 'POST', urlTemplate: '/model/*' }
  { name: 'guardrail', displayName: 'Guardrails', method: 'POST', urlTemplate: '/guardrail/*' }
  { name: 'guardrail-checks', displayName: 'Guardrail checks', method: 'POST', urlTemplate: '/guardrail-checks/*' }
  { name: 'start-async-invoke', displayName: 'Start async invocation', method: 'POST', urlTemplate: '/async-invoke' }
  { name: 'list-async-invokes', displayName: 'List async invocations', method: 'GET', urlTemplate: '/async-invoke' }
  { name: 'get-async-invoke', displayName: 'Get async invocation', method: 'GET', urlTemplate: '/async-invoke/*' }
  { name: 'openai', displayName: 'OpenAI-shaped routes', method: 'POST', urlTemplate: '/openai/*' }
  { name: 'get-response', displayName: 'Get response', method: 'GET', urlTemplate: '/openai/v1/responses/*' }
  { name: 'delete-response', displayName: 'Delete response', method: 'DELETE', urlTemplate: '/openai/v1/responses/*' }
  { name: 'anthropic', displayName: 'Anthropic-shaped routes', method: 'POST', urlTemplate: '/anthropic/*' }
  { name: 'usage', displayName: 'Budgets of the subscription', method: 'GET', urlTemplate: '/usage' }
  { name: 'health', displayName: 'Health', method: 'GET', urlTemplate: '/health' }
]

// Nothing of a message: headers hold keys, and a logged body is a buffered one.
var silent = {
  headers: []
  body: {
    bytes: 0
  }
}
var silentWithMaskedKeys = {
  ...silent
  dataMasking: {
    queryParams: map(['api-key', 'subscription-key', 'code'], name => { value: name, mode: 'Mask' })
  }
}

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  scope: resourceGroup(component.subscriptionId, component.resourceGroup)
  name: component.name
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

module members 'backend.bicep' = [
  for (functionAppId, index) in functionAppIds: {
    params: {
      apimName: apimName
      name: pooled ? '${backendName}-${index}' : backendName
      functionAppId: functionAppId
      callerAuth: callerAuth
      circuitBreaker: pooled
    }
  }
]

resource pool 'Microsoft.ApiManagement/service/backends@2024-05-01' = if (pooled) {
  parent: service
  name: backendName
  properties: {
    description: 'Function apps that sign calls to Amazon Bedrock.'
    type: 'Pool'
    pool: {
      services: [for (functionAppId, index) in functionAppIds: { id: members[index].outputs.id }]
    }
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
    dependsOn: [definition, definitionWithBearer, audienceValue, identityValue, maxRequestBytesValue, members, pool]
  }

  // Both kinds of diagnostics, at the level of this API: one of the whole instance that logs bodies would buffer streams.
  resource insightsDiagnostic 'diagnostics' = {
    name: 'applicationinsights'
    properties: {
      loggerId: insightsLogger.id
      alwaysLog: 'allErrors'
      httpCorrelationProtocol: 'W3C'
      logClientIp: false
      verbosity: 'information'
      sampling: {
        samplingType: 'fixed'
        percentage: 100
      }
      frontend: { request: silentWithMaskedKeys, response: silent }
      backend: { request: silentWithMaskedKeys, response: silent }
    }
    dependsOn: [definition, definitionWithBearer]
  }

  resource monitorDiagnostic 'diagnostics' = {
    name: 'azuremonitor'
    properties: {
      loggerId: monitorLogger.id
      logClientIp: false
      verbosity: 'information'
      sampling: {
        samplingType: 'fixed'
        percentage: 100
      }
      frontend: { request: silentWithMaskedKeys, response: silent }
      backend: { request: silentWithMaskedKeys, response: silent }
    }
    dependsOn: [definition, definitionWithBearer]
  }
}

resource insightsLogger 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: service
  name: '${prefix}-proxy'
  properties: {
    loggerType: 'applicationInsights'
    resourceId: insights.id
    credentials: {
      connectionString: insights.properties.ConnectionString
      identityClientId: userAssignedIdentity ? identityClientId : 'SystemAssigned'
    }
  }
}

// The name is fixed, and the logger is the whole instance's: one that is there stays as it is.
@onlyIfNotExists()
resource monitorLogger 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: service
  name: 'azuremonitor'
  properties: {
    loggerType: 'azureMonitor'
    isBuffered: true
  }
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
    dependsOn: [definition, definitionWithBearer]
  }
}

@description('What the service says about keys as bearer tokens, after it has stored the API: enabled, or nothing.')
output bearerKey string = acceptBearerKey ? definitionWithBearer!.outputs.bearer : ''
