// The items of an Azure Monitor workbook ("Notebook/1.0"), as far as this one needs them. The numbers are those of the
// format: https://github.com/microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json

var workspaceType = 'microsoft.operationalinsights/workspaces'

@export()
@description('Text in Markdown.')
func note(name string, markdown string) object => {
  type: 1
  name: name
  content: {
    json: markdown
  }
}

@export()
@description('A row of parameters.')
func parameters(name string, list object[]) object => {
  type: 9
  name: name
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: workspaceType
    parameters: list
  }
}

@export()
@description('The time range that every query is limited to; seven days at first.')
func timeRange() object => {
  ...parameter('TimeRange', 'Time range', 4)
  isRequired: true
  value: {
    durationMs: 604800000
  }
  typeSettings: {
    allowCustom: true
    selectableValues: map([1, 4, 24, 72, 168, 720, 2160], hours => { durationMs: hours * 3600000 })
  }
}

@export()
@description('The workspaces that are looked into: the one given, at first. The query finds all that the reader may see.')
func workspaces(query string, workspaceId string) object => {
  ...parameter('Workspaces', 'Workspaces', 5)
  ...severalOf
  query: query
  queryType: 1
  resourceType: 'microsoft.resourcegraph/resources'
  crossComponentResources: ['value::all']
  typeSettings: {
    resourceTypeFilter: {
      '${workspaceType}': true
    }
    additionalResourceOptions: []
    showDefault: false
  }
  value: [workspaceId]
}

@export()
@description('A choice of the values that a query returns as value and label; all of them, at first, which is * in a query.')
func choice(name string, label string, query string) object => {
  ...parameter(name, label, 2)
  ...severalOf
  ...source(query)
  typeSettings: {
    additionalResourceOptions: ['value::all']
    selectAllValue: '*'
    showDefault: false
  }
  defaultValue: 'value::all'
}

@export()
@description('A text of several lines.')
func lines(name string, label string, description string, value string) object => {
  ...parameter(name, label, 1)
  description: description
  value: value
  typeSettings: {
    multiLineText: true
    editorLanguage: 'text'
    multiLineHeight: 12
  }
}

@export()
@description('A table. Labels by column; null is shown as the text for unknown.')
func grid(name string, title string, query string, labels { *: string }) object => {
  type: 3
  name: name
  content: {
    ...tile(title, query)
    visualization: 'table'
    showExportToExcel: true
    gridSettings: {
      rowLimit: 1000
      labelSettings: map(items(labels), label => { columnId: label.key, label: label.value })
      formatters: map(items(labels), label => {
        columnMatch: '^${label.key}$'
        formatter: 0
        numberFormat: {
          unit: 0
          options: { style: 'decimal', useGrouping: true, maximumFractionDigits: 4 }
          emptyValCustomText: 'unknown'
        }
      })
    }
  }
}

@export()
@description('A chart over TimeGenerated, one series for each value of a column.')
func chart(name string, title string, query string, kind 'barchart' | 'linechart', value string, series string) object => {
  type: 3
  name: name
  customWidth: '50'
  content: {
    ...tile(title, query)
    visualization: kind
    chartSettings: {
      xAxis: 'TimeGenerated'
      yAxis: [value]
      group: series
      createOtherGroup: 20
      showLegend: true
    }
  }
}

func tile(title string, query string) object => {
  version: 'KqlItem/1.0'
  title: title
  size: 0
  noDataMessage: 'Nothing in this time range.'
  noDataMessageStyle: 3
  ...source(query)
}

func source(query string) object => {
  query: query
  queryType: 0
  resourceType: workspaceType
  crossComponentResources: ['{Workspaces}']
  timeContextFromParameter: 'TimeRange'
}

var severalOf = {
  isRequired: true
  multiSelect: true
  quote: '\''
  delimiter: ','
}

func parameter(name string, label string, type int) object => {
  // Any stable identifier.
  id: guid('bedrock-proxy', name)
  version: 'KqlParameterItem/1.0'
  name: name
  label: label
  type: type
}
