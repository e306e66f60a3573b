@description('Name of the action group.')
param name string

@description('Tags of every resource.')
param tags { *: string }

@description('Address that is told of alerts.')
param email string

resource recipients 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'bedrock'
    emailReceivers: [
      {
        name: 'email'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}
