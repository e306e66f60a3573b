@description('Name of the Log Analytics workspace that holds the log.')
param workspaceName string

@description('Part of the names of the rules, which tells environments apart.')
param suffix string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Address that is told of alerts.')
param email string?

@description('Resource ids of existing action groups that are told of alerts.')
param actionGroupIds string[]

@description('Percentage of failed calls above which somebody is told.')
param errorPercent int

@description('Percentage of throttled calls above which somebody is told.')
param throttledPercent int

@description('Percentage of a budget above which somebody is told.')
param budgetPercent int

var requests = loadTextContent('queries/requests.kql')
var budgets = '${requests}${loadTextContent('queries/budgets.kql')}'

// Each rule evaluates one number. Without calls the queries return no row or 0, and nothing is told.
var rules = [
  {
    name: 'credentials'
    displayName: 'Bedrock proxy: AWS keys'
    description: 'The AWS keys could not be read from Key Vault, or AWS refused them, at least three times in fifteen minutes. Calls go on with older keys while AWS accepts them. See the rows "bedrock.credentials" and the errors in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    query: loadTextContent('alerts/credentials.kql')
    column: 'Problems'
    threshold: 2
  }
  {
    name: 'errors'
    displayName: 'Bedrock proxy: errors'
    description: 'More than ${errorPercent} % of the calls in fifteen minutes failed by a fault of the proxy or of Bedrock (5xx, broken off, timed out). See the errors in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    query: '${requests}${loadTextContent('alerts/error-rate.kql')}'
    column: 'FailedPercent'
    threshold: errorPercent
  }
  {
    name: 'throttling'
    displayName: 'Bedrock proxy: throttling'
    description: 'More than ${throttledPercent} % of the calls in fifteen minutes got 429, from Bedrock or from a budget of the proxy. See throttling in the workbook "Bedrock proxy".'
    severity: 2
    every: 'PT15M'
    query: '${requests}${loadTextContent('alerts/throttling.kql')}'
    column: 'ThrottledPercent'
    threshold: throttledPercent
  }
  {
    name: 'budgetnear'
    displayName: 'Bedrock proxy: budget nearly used up'
    description: 'A subscription or product has used more than ${budgetPercent} % of a budget of an hour, a day or a month. See the budgets in the workbook "Bedrock proxy".'
    severity: 3
    every: 'PT15M'
    query: '${budgets}${loadTextContent('alerts/budget-near.kql')}'
    column: 'UsedPercent'
    threshold: budgetPercent
  }
  {
    name: 'budgetusedup'
    displayName: 'Bedrock proxy: budget used up'
    description: 'A subscription or product has used up a budget of an hour, a day or a month; its calls are refused, unless budgets are only observed. See the budgets in the workbook "Bedrock proxy".'
    severity: 2
    every: 'PT5M'
    query: '${budgets}${loadTextContent('alerts/budget-used-up.kql')}'
    column: 'UsedUp'
    threshold: 0
  }
  {
    name: 'budgetstore'
    displayName: 'Bedrock proxy: table of the budgets'
    description: 'The table of the budgets could not be reached ten times in a row. Calls go on, each instance counts what it serves and knows less and less of the others; what was not written is written afterwards. See the rows "bedrock.budgets" in the workbook "Bedrock proxy".'
    severity: 1
    every: 'PT5M'
    query: loadTextContent('alerts/budget-store.kql')
    column: 'Problems'
    threshold: 0
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource recipients 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'bedrock'
    emailReceivers: [
      {
        name: 'email'
        emailAddress: email ?? ''
        useCommonAlertSchema: true
      }
    ]
  }
}

// Without an identity of their own they read the log by the rights that their deployer had when they were deployed
// (Microsoft Learn, "Create a log search alert rule"): nobody needs another role. Local authentication, which the
// workspace has off, is about its keys.
resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
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
      scopes: [workspace.id]
      evaluationFrequency: rule.every
      windowSize: 'PT15M'
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
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [...(empty(email) ? [] : [recipients.id]), ...actionGroupIds]
      }
    }
  }
]
