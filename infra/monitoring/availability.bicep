@description('Name of the Application Insights component that the results go to.')
param componentName string

@description('URL of the API.')
param apiUrl string

@description('The API Management subscription whose key the test shows.')
param subscription { apimName: string, resourceGroup: string, subscriptionId: string, name: string }

@description('Part of the names, which tells environments apart.')
param suffix string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource ids of the action groups that are told of alerts.')
param actionGroupIds string[]

// Ids of the service ("Application Insights availability tests", Microsoft Learn). Each asks every five minutes: all
// together once a minute.
var places = ['emea-nl-ams-azr', 'emea-se-sto-edge', 'emea-gb-db3-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource gatewaySubscription 'Microsoft.ApiManagement/service/subscriptions@2024-05-01' existing = {
  scope: resourceGroup(subscription.subscriptionId, subscription.resourceGroup)
  name: '${subscription.apimName}/${subscription.name}'
}

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'health-${suffix}'
  location: location
  // The link is how the portal finds the component of a test.
  tags: { ...tags, 'hidden-link:${component.id}': 'Resource' }
  kind: 'standard'
  properties: {
    Kind: 'standard'
    Name: 'Bedrock proxy: health'
    SyntheticMonitorId: 'health-${suffix}'
    Enabled: true
    Frequency: 300
    // The first call of a cold instance takes some seconds.
    Timeout: 30
    RetryEnabled: true
    Locations: map(places, place => { Id: place })
    Request: {
      HttpVerb: 'GET'
      RequestUrl: '${apiUrl}/health'
      // Whoever may read this resource reads the key. It opens /health and nothing else: ../gateway/health-probe.bicep.
      Headers: [{ key: 'api-key', value: gatewaySubscription.listSecrets().primaryKey }]
      FollowRedirects: false
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 14
    }
  }
}

#disable-next-line use-recent-api-versions // The newer one is months old, and not in every cloud.
resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-health-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: '/health of the Bedrock API, asked through the gateway, has failed at two places or more: gateway, function, settings or AWS keys.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [test.id, component.id]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: component.id
      failedLocationCount: 2
    }
    #disable-next-line use-resource-id-functions // The ids are a parameter.
    actions: map(actionGroupIds, id => { actionGroupId: id })
  }
}
