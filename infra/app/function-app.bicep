@description('Name of the app.')
param name string

@description('Name of its Flex Consumption plan, which serves this one app.')
param planName string

@description('Azure region.')
param location string

@description('Tags of every resource.')
param tags { *: string }

@description('The user-assigned identity that reads the vault, the storage and writes telemetry.')
param identity { id: string, clientId: string }

@description('Version of Node.js.')
@allowed(['22', '24'])
param nodeVersion string

@description('Memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Most instances the app may scale out to.')
param maximumInstanceCount int

@description('Requests that one instance serves at a time.')
param perInstanceConcurrency int

@description('Instances kept warm for HTTP.')
param alwaysReadyInstances int

@description('What happens to running instances when code or settings change; null leaves it as it is.')
@allowed(['Recreate', 'RollingUpdate'])
param updateStrategy string?

@description('Blob service endpoint of the storage account, with a slash at the end.')
param blobEndpoint string

@description('Container that holds the deployment package.')
param packageContainer string

@description('Name of the Application Insights component.')
param componentName string

@description('Percentage of the requests whose trace the host sends; log lines and metrics are not sampled.')
param tracePercent int

@description('Settings of the proxy, by the names of src/config/settings.ts.')
param settings { *: string }

@description('Who may reach the app: addresses (CIDR) or service tags of the gateway. Everybody else is refused by the platform.')
param gatewayAddresses string[]

@description('Addresses (CIDR) that may deploy; none: the whole internet may knock, with an Entra token.')
param deployerAddresses string[]

@description('True: instances are spread over the zones of the region, at least two of them always ready.')
param zoneRedundant bool

@description('Which telemetry of its own the host has.')
@allowed(['OpenTelemetry', 'ApplicationInsights'])
param hostTelemetry string

@description('Workspace of the audit logs: who was refused by address; null: none.')
param auditTo string?

@description('Subnet that the app sends its traffic through.')
param appSubnetId string?

@description('True: the app has no public endpoint, and is reached through a private one.')
param privateIngress bool

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

// What the Functions platform reads. The names of src/config/settings.ts come in by parameter.
var platformSettings = {
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__clientId: identity.clientId
  AzureWebJobsStorage__credential: 'managedidentity'
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
  // The host holds a body several times over before the function hears of the call, and ends itself when it has no
  // memory left: what the function refuses it should not read.
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: settings.MAX_REQUEST_BYTES
  OTEL_SERVICE_NAME: name
  // Newer exporters of the host send five traces a second unless told otherwise. The function's own tracer does not
  // know the name and follows the decision of its caller, which is the host.
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: tracePercent == 100 ? '1' : '0.${padLeft(tracePercent, 2, '0')}'
}

// What takes the place of host.json's choice. The records are traces of the host in this mode, which its sampling would
// thin out.
var applicationInsightsMode = {
  AzureFunctionsJobHost__telemetryMode: 'ApplicationInsights'
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__isEnabled: 'false'
  AzureFunctionsJobHost__logging__applicationInsights__httpAutoCollectionOptions__enableResponseHeaderInjection: 'false'
  AzureFunctionsJobHost__logging__logLevel__Function: 'Warning'
}

// The default host name may have a regional label between the name and the domain.
var hostLabels = split(app.properties.defaultHostName, '.')

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds the app of its service "proxy" by this tag.
  tags: { ...tags, 'azd-service-name': 'proxy' }
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: privateIngress ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: appSubnetId
    // For settings that are references to secrets, such as the key of an OTLP receiver.
    keyVaultReferenceIdentity: identity.id
    #disable-next-line BCP037 // siteUpdateStrategy is in preview, and not in the published types.
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      ...(updateStrategy == null ? {} : { siteUpdateStrategy: { type: updateStrategy } })
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0 ? [] : [{ name: 'http', instanceCount: alwaysReadyInstances }]
        triggers: {
          http: {
            perInstanceConcurrency: perInstanceConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: map(
        items({
          ...settings
          ...platformSettings
          ...(hostTelemetry == 'ApplicationInsights' ? applicationInsightsMode : {})
        }),
        setting => {
          name: setting.key
          value: setting.value
        }
      )
      // The function authenticates its caller, but the Functions host in front of it can be hurt by a request that never
      // gets that far: a header it cannot forward, its own /admin and /runtime paths.
      ipSecurityRestrictionsDefaultAction: 'Deny'
      ipSecurityRestrictions: empty(gatewayAddresses) && !privateIngress
        ? fail('The outbound addresses of this API Management tier are not known to the template: set gatewayAddresses, or privateIngress with a network that the gateway is in.')
        : map(range(0, length(gatewayAddresses)), index => {
            name: 'gateway-${index}'
            action: 'Allow'
            priority: 100 + index
            tag: contains(gatewayAddresses[index], '/') ? 'Default' : 'ServiceTag'
            ipAddress: gatewayAddresses[index]
          })
      // Deployments come from wherever the deployer is, with an Entra token.
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: empty(deployerAddresses) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictions: map(range(0, length(deployerAddresses)), index => {
        name: 'deployer-${index}'
        action: 'Allow'
        priority: 100 + index
        ipAddress: deployerAddresses[index]
      })
    }
  }

  resource ftpCredentials 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }

  resource scmCredentials 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }
}

#disable-next-line use-recent-api-versions // The stable version of 2016 does not know these categories.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (auditTo != null) {
  scope: app
  name: 'audit'
  properties: {
    workspaceId: auditTo
    logs: map(['AppServiceIPSecAuditLogs', 'AppServiceAuditLogs'], category => { category: category, enabled: true })
  }
}

@description('Resource id of the app.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Domain of the app\'s host name in this cloud, for instance azurewebsites.net.')
output domain string = join(skip(hostLabels, length(hostLabels) - 2), '.')
