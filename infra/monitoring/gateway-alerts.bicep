@description('Resource id of the API Management instance.')
param gatewayId string

@description('Name of the API.')
param apiName string

@description('True: the instance is of a v2 tier, which has other metrics of its capacity.')
param tierV2 bool

@description('Part of the names of the rules, which tells environments apart.')
param suffix string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource ids of the action groups that are told of alerts.')
param actionGroupIds string[]

@description('Answers of one kind in five minutes above which somebody is told.')
param answers int

var ofTheApi = [{ name: 'ApiId', operator: 'Include', values: [apiName] }]

// The platform counts these itself: they see an outage of the function, and of its log.
var rules = [
  {
    name: 'failures'
    description: 'The gateway gave more than ${answers} answers of 5xx for the API within five minutes.'
    severity: 1
    metric: 'Requests'
    aggregation: 'Total'
    threshold: answers
    window: 'PT5M'
    dimensions: [...ofTheApi, { name: 'GatewayResponseCodeCategory', operator: 'Include', values: ['5xx'] }]
  }
  {
    name: 'refused'
    description: 'More than ${answers} times within five minutes the function app refused a call of the gateway with 401: it does not accept the gateway\'s token. Audience, object id of the gateway\'s identity, or the app registration.'
    severity: 1
    metric: 'Requests'
    aggregation: 'Total'
    threshold: answers
    window: 'PT5M'
    // Not 403, which a caller gets for a budget that is used up or a model that it may not use. That the gateway's address
    // is not let in is a 403 of every call, that of the availability test included.
    dimensions: [...ofTheApi, { name: 'BackendResponseCode', operator: 'Include', values: ['401'] }]
  }
  {
    name: 'capacity'
    description: 'The gateway was at more than 80 % of its capacity for a quarter of an hour: calls wait, or are refused.'
    severity: 2
    metric: tierV2 ? 'CpuPercent_Gateway' : 'Capacity'
    aggregation: 'Average'
    threshold: 80
    window: 'PT15M'
    dimensions: []
  }
]

#disable-next-line use-recent-api-versions // The newer one is months old, and not in every cloud.
resource alerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for rule in rules: {
    name: 'alert-gateway-${rule.name}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      scopes: [gatewayId]
      evaluationFrequency: 'PT1M'
      windowSize: rule.window
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: rule.name
            metricNamespace: 'Microsoft.ApiManagement/service'
            metricName: rule.metric
            dimensions: rule.dimensions
            operator: 'GreaterThan'
            threshold: rule.threshold
            timeAggregation: rule.aggregation
            // An API that has had no call yet has no such values.
            skipMetricValidation: true
          }
        ]
      }
      #disable-next-line use-resource-id-functions // The ids are a parameter.
      actions: map(actionGroupIds, id => { actionGroupId: id })
    }
  }
]
