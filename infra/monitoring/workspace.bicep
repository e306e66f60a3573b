@description('Name of the Log Analytics workspace.')
param name string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('Days that its tables are kept.')
param retentionDays int

@description('Days that the log lines are kept altogether, as an archive beyond retentionDays; null: no archive.')
param archiveDays int?

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    features: {
      disableLocalAuth: true
    }
  }

  // The records are here, from which bills are made. An archive is searched by a search job, or restored.
  resource lines 'tables' = if (archiveDays != null) {
    name: 'AppTraces'
    properties: {
      plan: 'Analytics'
      retentionInDays: retentionDays
      totalRetentionInDays: archiveDays
    }
  }
}
