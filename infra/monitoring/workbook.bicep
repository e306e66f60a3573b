import { chart, choice, grid, lines, note, parameters, timeRange, workspaces } from 'workbook/items.bicep'

@description('Resource id of the Log Analytics workspace that holds the log.')
param workspaceId string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

var displayName = 'Bedrock proxy'

// All apps whose log the chosen workspaces hold: those of a pool are looked at together.
var requests = 'let Lines = AppTraces;\n${loadTextContent('queries/requests.kql')}'
var selected = '${requests}${loadTextContent('queries/selected.kql')}'
var budgets = '${requests}${loadTextContent('queries/budgets.kql')}'
var costs = '${selected}${loadTextContent('queries/costs.kql')}'

var counted = {
  Calls: 'Calls'
  Input: 'Input tokens'
  Output: 'Output tokens'
  CacheRead: 'Read from caches'
  CacheWrite: 'Written to caches'
  CallsWithoutCounts: 'Calls without counts'
}
var paid = {
  Cost: 'Cost'
  Calls: 'Calls'
  CallsWithoutPrice: 'Calls without a price'
  CallsWithoutCounts: 'Calls without counts'
}

var content = {
  version: 'Notebook/1.0'
  '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
  fallbackResourceIds: [workspaceId]
  items: [
    parameters('parameters', [
      timeRange()
      workspaces(loadTextContent('workbook/queries/workspaces.kql'), workspaceId)
      choice('Subscriptions', 'Subscriptions', '${requests}${loadTextContent('workbook/queries/subscriptions.kql')}')
      choice('Models', 'Models', '${requests}${loadTextContent('workbook/queries/models.kql')}')
    ])
    grid('totals', 'All calls', '${selected}${loadTextContent('workbook/queries/totals.kql')}', {
      ...counted
      Failed: 'Failed'
      Throttled: 'Throttled (429)'
    })
    note('tokens', loadTextContent('workbook/tokens.md'))
    chart(
      'tokens-by-subscription',
      'Tokens by subscription',
      '${selected}${loadTextContent('workbook/queries/tokens-by-subscription.kql')}',
      'barchart',
      'Tokens',
      'Subscription'
    )
    chart(
      'tokens-by-model',
      'Tokens by model',
      '${selected}${loadTextContent('workbook/queries/tokens-by-model.kql')}',
      'barchart',
      'Tokens',
      'ModelId'
    )
    grid(
      'tokens-by-kind',
      'Tokens by subscription, model and kind',
      '${selected}${loadTextContent('workbook/queries/tokens-by-kind.kql')}',
      { ...counted, ModelId: 'Model', OfItReasoning: 'of which reasoning' }
    )
    grid(
      'counts-missing',
      'Calls whose tokens are not known, or not all of them',
      '${selected}${loadTextContent('workbook/queries/counts-missing.kql')}',
      { ModelId: 'Model', Calls: 'Calls', KnownTokens: 'Tokens known of them', Last: 'Last seen' }
    )
    note('cost', loadTextContent('workbook/cost.md'))
    parameters('prices', [
      lines(
        'Prices',
        'Prices',
        'One model a line: id or beginning*, service tier or nothing, then prices of a million tokens: input, output, cache read, cache write for 5 minutes and for 1 hour.',
        loadTextContent('../prices.csv')
      )
    ])
    grid(
      'cost-by-subscription',
      'Cost by subscription',
      '${costs}${loadTextContent('workbook/queries/cost-by-subscription.kql')}',
      paid
    )
    grid('cost-by-model', 'Cost by model', '${costs}${loadTextContent('workbook/queries/cost-by-model.kql')}', {
      ...paid
      ModelId: 'Model'
      PriceOf: 'Line of the price table'
    })
    chart(
      'cost-over-time',
      'Cost by day and subscription',
      '${costs}${loadTextContent('workbook/queries/cost-over-time.kql')}',
      'barchart',
      'Cost',
      'Subscription'
    )
    grid(
      'estimated-cost',
      'Cost by subscription and model, as estimated when the calls were made',
      '${selected}${loadTextContent('workbook/queries/estimated-cost.kql')}',
      { ModelId: 'Model', Cost: 'Cost', Calls: 'Calls', CallsWithoutPrice: 'Calls without an estimate' }
    )
    note('budgets', loadTextContent('workbook/budgets.md'))
    grid(
      'budgets-left',
      'Budgets, and what is left of them (not limited by the drop-downs for subscriptions and models)',
      '${budgets}${loadTextContent('workbook/queries/budgets.kql')}',
      {
        Holder: 'Subscription or product'
        Limit: 'Budget of it'
        Used: 'Used'
        Rest: 'Left'
        UsedPercent: '% used'
        Forecast: 'At the end of the month'
        ForecastPercent: '% of the budget then'
        Known: 'As of'
      }
    )
    note('latency', loadTextContent('workbook/latency.md'))
    grid(
      'latency-by-model',
      'Time to the end of the answer, by model and operation (milliseconds)',
      '${selected}${loadTextContent('workbook/queries/latency-by-model.kql')}',
      {
        ModelId: 'Model'
        Calls: 'Calls'
        DurationMs50: 'Half within'
        DurationMs95: '95 % within'
        DurationMs99: '99 % within'
        HeadersMs95: 'Bedrock\'s headers: 95 % within'
      }
    )
    grid(
      'first-token-by-model',
      'Streams: time to the first token (milliseconds) and speed after it, by model',
      '${selected}${loadTextContent('workbook/queries/first-token-by-model.kql')}',
      {
        ModelId: 'Model'
        Streams: 'Streams'
        FirstTokenMs50: 'Half within'
        FirstTokenMs95: '95 % within'
        FirstTokenMs99: '99 % within'
        TokensPerSecond50: 'Tokens a second: half at least'
        TokensPerSecond5: 'Tokens a second: 95 % at least'
      }
    )
    chart(
      'latency-over-time',
      '95 % of answers are complete within (milliseconds)',
      '${selected}${loadTextContent('workbook/queries/latency-over-time.kql')}',
      'linechart',
      'DurationMs95',
      'ModelId'
    )
    note('failures', loadTextContent('workbook/failures.md'))
    chart(
      'errors-over-time',
      'Errors by whose they are',
      '${selected}${loadTextContent('workbook/queries/errors-over-time.kql')}',
      'barchart',
      'Errors',
      'ErrorSource'
    )
    chart(
      'throttling-over-time',
      'Throttled calls (429) by who refused them',
      '${selected}${loadTextContent('workbook/queries/throttling-over-time.kql')}',
      'barchart',
      'Calls',
      'By'
    )
    grid('errors', 'Errors', '${selected}${loadTextContent('workbook/queries/errors.kql')}', {
      ErrorSource: 'Whose'
      ErrorType: 'Exception'
      Calls: 'Calls'
      Last: 'Last seen'
    })
    grid(
      'throttling',
      'Throttled calls (429) by subscription and model',
      '${selected}${loadTextContent('workbook/queries/throttling.kql')}',
      {
        ModelId: 'Model'
        Calls: 'Calls'
        ByBedrock: 'Throttled by Bedrock'
        ByProxy: 'Throttled by this proxy'
        Percent: '% of the calls'
      }
    )
    grid(
      'regions',
      'Calls by AWS region, and what was tried where',
      '${selected}${loadTextContent('workbook/queries/regions.kql')}',
      {
        AwsRegion: 'AWS region'
        ModelId: 'Model'
        Calls: 'Calls made there'
        Answered: 'Answered'
        PassedOn: 'Could not, and went on'
        TakenOver: 'Taken over from another'
        Percent: '% that went on'
      }
    )
    grid(
      'cut-streams',
      'Streams that were cut, by who ended them',
      '${selected}${loadTextContent('workbook/queries/cut-streams.kql')}',
      {
        ModelId: 'Model'
        Streams: 'Streams'
        ByClient: 'Client went away'
        ByBedrock: 'Bedrock broke off'
        ByDeadline: 'Silence or deadline'
        Percent: '% of the streams'
      }
    )
    grid(
      'events',
      'What else the proxy has reported (not limited by the drop-downs for subscriptions and models)',
      loadTextContent('workbook/queries/events.kql'),
      { Lines: 'Lines', First: 'First seen', Last: 'Last seen' }
    )
  ]
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, last(split(workspaceId, '/')), displayName)
  location: location
  // The portal lists the resource by this text instead of its name.
  tags: { ...tags, 'hidden-title': displayName }
  kind: 'shared'
  properties: {
    displayName: displayName
    description: 'Tokens, cost, latency and failures of the calls to Amazon Bedrock.'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: string(content)
  }
}
