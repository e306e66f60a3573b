@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the backend.')
param name string

@description('Resource id of the function app behind it.')
param functionAppId string

@description('How the app knows the gateway.')
@allowed(['entra', 'functionKey'])
param callerAuth string

@description('True for a member of a pool: after failures in a row it gets no calls for a while.')
param circuitBreaker bool

var appPath = split(functionAppId, '/')

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  scope: resourceGroup(appPath[2], appPath[4])
  name: last(appPath)
}

resource service 'Microsoft.ApiManagement/service@2024-05-01' existing = {
  name: apimName
}

// One key for each app. The host must be running when the key is asked for: the first deployment in this mode needs the
// package to be there, see infra/NETWORK.md.
resource key 'Microsoft.ApiManagement/service/namedValues@2024-05-01' = if (callerAuth == 'functionKey') {
  parent: service
  name: '${name}-key'
  properties: {
    displayName: '${name}-key'
    secret: true
    value: listKeys('${app.id}/host/default', '2025-03-01').functionKeys.default
  }
}

resource backend 'Microsoft.ApiManagement/service/backends@2024-05-01' = {
  parent: service
  name: name
  properties: {
    title: last(appPath)
    description: 'Function app that signs calls to Amazon Bedrock.'
    type: 'Single'
    protocol: 'http'
    url: 'https://${app.properties.defaultHostName}'
    resourceId: '${environment().resourceManager}${substring(functionAppId, 1)}'
    tls: {
      validateCertificateChain: true
      validateCertificateName: true
    }
    credentials: callerAuth == 'functionKey' ? { header: { 'x-functions-key': ['{{${name}-key}}'] } } : null
    circuitBreaker: circuitBreaker
      ? {
          rules: [
            {
              name: 'unreachable'
              // Not 500, 503, 429 or 424: Bedrock's own answers for one model come through with their status, and must
              // not take every other model away.
              failureCondition: {
                count: 5
                interval: 'PT1M'
                statusCodeRanges: [
                  { min: 502, max: 502 }
                  { min: 504, max: 504 }
                ]
                errorReasons: ['BackendConnectionFailure']
              }
              tripDuration: 'PT30S'
              acceptRetryAfter: false
            }
          ]
        }
      : null
  }
  dependsOn: [key]
}

@description('Resource id of the backend.')
output id string = backend.id
