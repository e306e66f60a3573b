@description('Name of the API Management instance, in the resource group of this deployment.')
param apimName string

@description('Name of the API, and what the names of everything around it begin with.')
param prefix string

@description('Client id of the user-assigned identity that sends the telemetry; empty: the system-assigned one does.')
param identityClientId string

@description('Percentage of the requests that the gateway tells of; failed ones it tells of always.')
@minValue(0)
@maxValue(100)
param percent int

@description('Log Analytics workspace that gets the log of the whole instance; null: nothing is sent.')
param resourceLogsTo string?

@description('Application Insights component for the gateway\'s own telemetry.')
param component { name: string, resourceGroup: string, subscriptionId: string }

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

resource api 'Microsoft.ApiManagement/service/apis@2024-05-01' existing = {
  parent: service
  name: prefix
}

resource insightsLogger 'Microsoft.ApiManagement/service/loggers@2024-05-01' = {
  parent: service
  name: '${prefix}-proxy'
  properties: {
    loggerType: 'applicationInsights'
    resourceId: insights.id
    credentials: {
      connectionString: insights.properties.ConnectionString
      identityClientId: empty(identityClientId) ? 'SystemAssigned' : identityClientId
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

// Both kinds of diagnostics, at the level of this API: one of the whole instance that logs bodies would buffer streams.
resource insightsDiagnostic 'Microsoft.ApiManagement/service/apis/diagnostics@2024-05-01' = {
  parent: api
  name: 'applicationinsights'
  properties: {
    loggerId: insightsLogger.id
    alwaysLog: 'allErrors'
    httpCorrelationProtocol: 'W3C'
    logClientIp: false
    verbosity: 'information'
    sampling: {
      samplingType: 'fixed'
      percentage: percent
    }
    frontend: { request: silentWithMaskedKeys, response: silent }
    backend: { request: silentWithMaskedKeys, response: silent }
  }
}

resource monitorDiagnostic 'Microsoft.ApiManagement/service/apis/diagnostics@2024-05-01' = {
  parent: api
  name: 'azuremonitor'
  properties: {
    loggerId: monitorLogger.id
    logClientIp: false
    verbosity: 'information'
    sampling: {
      samplingType: 'fixed'
      percentage: percent
    }
    frontend: { request: silentWithMaskedKeys, response: silent }
    backend: { request: silentWithMaskedKeys, response: silent }
  }
}

#disable-next-line use-recent-api-versions // The stable version of 2016 has no tables of a resource's own.
resource resourceLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (resourceLogsTo != null) {
  scope: service
  name: '${prefix}-proxy'
  properties: {
    workspaceId: resourceLogsTo
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'GatewayLogs'
        enabled: true
      }
    ]
  }
}
