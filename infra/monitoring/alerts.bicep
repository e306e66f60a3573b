@description('Resource id of the Log Analytics workspace that holds the log.')
param workspaceId string

@description('Name of the Application Insights component that the app sends its log to, and no other app.')
param componentName string

@description('Part of the names of the rules, which tells environments apart.')
param suffix string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Resource ids of the action groups that are told of alerts.')
param actionGroupIds string[]

@description('Name of the function app, as its address begins.')
param functionAppName string

@description('Most instances that the app may have.')
param maximumInstanceCount int

@description('Percentage of failed calls above which somebody is told.')
param errorPercent int

@description('Percentage of throttled calls above which somebody is told.')
param throttledPercent int

@description('Percentage of a budget above which somebody is told.')
param budgetPercent int
@description('Percentage of calls without a record above which somebody is told.')
param missingPercent int

@description('True: an availability test makes a record each minute, so that their absence means something.')
param probed bool

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

// Several environments may share a workspace. Each has a component, to which its app's host sends the log in either way
// (hostTelemetry), and whose id is in every row; AppRoleName is what the sender says of itself.
var lines = 'let Lines = AppTraces\n| where _ResourceId =~ \'${component.id}\';\n'
var requests = '${lines}${loadTextContent('queries/requests.kql')}'
var budgets = '${requests}${loadTextContent('queries/budgets.kql')}'

// Each rule evaluates one number. Without calls the queries return no row or 0, and nothing is told; silence, which is
// about that, is a rule only where a probe keeps it from being usual.
var rules = [
  {
    name: 'credentials'
    displayName: 'Bedrock proxy: AWS keys'
    description: 'The AWS keys could not be read from Key Vault while none were at hand, or at least three times in fifteen minutes, or AWS refused them as often. Calls go on with older keys while AWS accepts them. See the rows "bedrock.credentials" and the errors in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/credentials.kql')}'
    column: 'Problems'
    threshold: 2
    by: []
  }
  {
    name: 'errors'
    displayName: 'Bedrock proxy: errors'
    description: 'More than ${errorPercent} % of the calls in fifteen minutes failed by a fault of the proxy or of Bedrock (5xx, broken off, timed out). See the errors in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${requests}${loadTextContent('alerts/error-rate.kql')}'
    column: 'FailedPercent'
    threshold: errorPercent
    by: []
  }
  {
    name: 'throttling'
    displayName: 'Bedrock proxy: throttling'
    description: 'More than ${throttledPercent} % of the calls in fifteen minutes got 429, from Bedrock or from a budget of the proxy. See throttling in the workbook "Bedrock proxy".'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    query: '${requests}${loadTextContent('alerts/throttling.kql')}'
    column: 'ThrottledPercent'
    threshold: throttledPercent
    by: []
  }
  {
    name: 'refusals'
    displayName: 'Bedrock proxy: refused by AWS'
    description: 'AWS refused (403) more than half of the calls of a model for a subscription in fifteen minutes: a policy or service control policy that has changed, or access to the model that is gone. See the errors in the workbook "Bedrock proxy".'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    query: '${requests}${loadTextContent('alerts/refusals.kql')}'
    column: 'RefusedPercent'
    threshold: 50
    by: ['ModelId', 'SubscriptionId']
  }
  {
    name: 'token'
    displayName: 'Bedrock proxy: the gateway is refused'
    description: 'The function did not accept the token of the gateway at least three times in fifteen minutes: audience, object id of the gateway\'s identity, or the app registration.'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${requests}${loadTextContent('alerts/token.kql')}'
    column: 'Refused'
    threshold: 2
    by: []
  }
  {
    name: 'settings'
    displayName: 'Bedrock proxy: settings or a defect'
    description: 'The function reports wrong settings, with which every call gets 503, or a defect. See what else the proxy has reported in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/settings.kql')}'
    column: 'Lines'
    threshold: 0
    by: []
  }
  {
    name: 'exports'
    displayName: 'Bedrock proxy: metrics or traces lost'
    description: 'A destination has not taken metrics or traces. See the rows "bedrock.telemetry" in the workbook "Bedrock proxy".'
    severity: 3
    every: 'PT15M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/exports.kql')}'
    column: 'Lines'
    threshold: 0
    by: []
  }
  {
    name: 'records'
    displayName: 'Bedrock proxy: records missing'
    description: 'More than ${missingPercent} % of the calls that the gateway has sent to the function within an hour and a half have no record: bills made from the log lack them. The function may be out of order, or its log be lost on its way.'
    severity: 2
    every: 'PT30M'
    window: 'PT2H'
    // What the gateway has sent is in the component of whichever environment set the gateway up, as in a pool.
    query: '${lines}let FunctionApp = \'${functionAppName}.\';\n${loadTextContent('alerts/records.kql')}'
    column: 'MissingPercent'
    threshold: missingPercent
    by: []
  }
  {
    name: 'silence'
    displayName: 'Bedrock proxy: silence'
    description: 'No record for fifteen minutes, although the availability test makes one each minute: the function does not run or cannot be reached, or its log gets nothing.'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/silence.kql')}'
    column: 'Silent'
    threshold: 0
    by: []
  }
  {
    name: 'instances'
    displayName: 'Bedrock proxy: instances'
    description: 'More than 80 % of the ${maximumInstanceCount} instances that the app may have were at work: raise maximumInstanceCount, or the quota of the subscription.'
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/instances.kql')}'
    column: 'Instances'
    threshold: maximumInstanceCount * 8 / 10
    by: []
  }
  {
    name: 'budgetnear'
    displayName: 'Bedrock proxy: budget nearly used up'
    description: 'A subscription or product has used more than ${budgetPercent} % of a budget of an hour, a day or a month. See the budgets in the workbook "Bedrock proxy".'
    severity: 3
    every: 'PT15M'
    window: 'PT15M'
    query: '${budgets}${loadTextContent('alerts/budget-near.kql')}'
    column: 'UsedPercent'
    threshold: budgetPercent
    by: []
  }
  {
    name: 'budgetusedup'
    displayName: 'Bedrock proxy: budget used up'
    description: 'A subscription or product has used up a budget of an hour, a day or a month; its calls are refused, unless budgets are only observed. See the budgets in the workbook "Bedrock proxy".'
    severity: 2
    every: 'PT5M'
    window: 'PT15M'
    query: '${budgets}${loadTextContent('alerts/budget-used-up.kql')}'
    column: 'UsedUp'
    threshold: 0
    by: []
  }
  {
    name: 'budgetstore'
    displayName: 'Bedrock proxy: table of the budgets'
    description: 'The table of the budgets could not be reached ten times in a row. Calls go on, each instance counts what it serves and knows less and less of the others; what was not written is written afterwards. See the rows "bedrock.budgets" in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    window: 'PT15M'
    query: '${lines}${loadTextContent('alerts/budget-store.kql')}'
    column: 'Problems'
    threshold: 0
    by: []
  }
]

// Without an identity of their own they read the log by the rights that their deployer had when they were deployed
// (Microsoft Learn, "Create a log search alert rule"): nobody needs another role. Local authentication, which the
// workspace has off, is about its keys.
resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in filter(rules, rule => probed || rule.name != 'silence'): {
    name: 'alert-${rule.name}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.displayName
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: rule.every
      windowSize: rule.window
      // Azure would look for a table that a new workspace does not have yet. The queries are checked by the tests.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            metricMeasureColumn: rule.column
            timeAggregation: 'Maximum'
            operator: 'GreaterThan'
            threshold: rule.threshold
            dimensions: map(rule.by, column => { name: column, operator: 'Include', values: ['*'] })
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroupIds
      }
    }
  }
]
