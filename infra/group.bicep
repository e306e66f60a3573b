import { names } from 'names.bicep'
import { privateDns } from 'app/private-dns.bicep'
import { poolMember } from 'gateway/pool-member.bicep'

// ---- What is deployed, and where

@description('Name of the environment; the names of all resources are made from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Azure region of everything but an existing API Management instance.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Changes every generated name. A deleted vault keeps its name for 90 days: set it to deploy a removed environment again.')
param nameSuffix string = ''

@description('Tags of every resource, for instance of a cost centre.')
param tags { *: string } = {}

@description('Names of resources, for a naming standard; what is not named gets a name that is made.')
param resourceNames names = {}

@description('AWS region of Bedrock, for instance eu-central-1.')
param bedrockRegion string

@description('Further AWS regions, in the order in which a call goes on when Bedrock cannot work in the one before.')
param furtherBedrockRegions string[] = []

// ---- The gateway

@description('Name of the existing API Management instance; not needed with createApim.')
param apimName string?

@description('Its resource group.')
param apimResourceGroupName string?

@description('Its subscription.')
param apimSubscriptionId string = subscription().subscriptionId

@description('Resource id of a user-assigned identity of the existing instance, where the system-assigned one is not to be used.')
param apimUserAssignedIdentityId string?

@description('True: makes an instance of the tier Basic v2, for a trial.')
param createApim bool = false

@description('True: with createApim, brings back the deleted instance of the same name, which Azure keeps for 48 hours. Once; then false.')
param restoreApim bool = false

@description('Organisation of a new instance.')
param apimPublisherName string = 'Bedrock proxy'

@description('Address for the notifications of a new instance.')
param apimPublisherEmail string?

@description('False: leaves the gateway alone, for one more function app of a pool.')
param configureGateway bool = true

@description('Function apps of other deployments that take calls besides the one of this deployment: resource id, priority (the lowest takes all calls while it can) and weight, both 0 to 100, 1 where not given.')
param poolMembers poolMember[] = []

@description('Priority of the app of this deployment among poolMembers.')
@minValue(0)
@maxValue(100)
param poolPriority int = 1

@description('Weight of the app of this deployment among poolMembers of its priority.')
@minValue(0)
@maxValue(100)
param poolWeight int = 1

@description('What the names of API, product, backends and all else in the gateway begin with. A second environment on the same instance needs another one, and another apiPath.')
@minLength(1)
@maxLength(40)
param gatewayNamePrefix string = 'bedrock'

@description('Percentage of its requests that the gateway tells Application Insights of, and its own log; failed ones it tells of always.')
@minValue(0)
@maxValue(100)
param gatewayLogPercent int = 100

@description('True: sends the gateway\'s own log (GatewayLogs) to the workspace, that of all its APIs.')
param gatewayResourceLogs bool = false

@description('URL of the gateway where it has a domain of its own, for instance https://api.contoso.com; for outputs and the availability test.')
param gatewayUrl string?

@description('Path of the API on the gateway.')
param apiPath string = 'bedrock'

@description('Groups of operations that are served: by the gateway, and by the function.')
param operationGroups ('inference' | 'discovery' | 'retrieval' | 'agents' | 'agentcore' | 'mantle')[] = [
  'inference'
  'discovery'
]

@description('False: the subscription key is taken from the header api-key only, not from Authorization: Bearer.')
param acceptBearerKey bool = true

@description('Addresses (CIDR) or service tags that the gateway calls from. Needed for the v2 tiers, which have no addresses of their own, unless privateIngress is true.')
param gatewayAddresses string[] = []

// ---- Who may call the function

@description('How the function knows the gateway: by an Entra token of its identity, or by a function key.')
@allowed(['entra', 'functionKey'])
param callerAuth string = 'entra'

@description('Client id of the function\'s app registration (scripts/register-app.ts); needed for entra.')
param proxyAppClientId string?

// ---- The function

@description('Version of Node.js.')
@allowed(['22', '24'])
param nodeVersion string = '24'

@description('Memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances the app may scale out to.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Requests that one instance serves at a time. The platform would begin a new instance at 16: too early for streams that mostly wait.')
@minValue(1)
@maxValue(1000)
param perInstanceConcurrency int = 100

@description('Instances kept warm, so that no call waits for a cold start. They are billed while they wait.')
@minValue(0)
param alwaysReadyInstances int = 0

@description('What happens to running streams when code or settings change. Recreate ends them, RollingUpdate lets them end (in preview). Unset: as it is, which is Recreate at first.')
@allowed(['Recreate', 'RollingUpdate'])
param updateStrategy string?

@description('True: app and storage are spread over the zones of the region, with at least two instances always ready, which are billed.')
param zoneRedundant bool = false

@description('Days that a deleted or overwritten package can be had back.')
@minValue(1)
@maxValue(365)
param undeleteDays int = 7

@description('True: vault and storage account can be deleted only when their locks are; azd down then fails.')
param deleteLocks bool = false

@description('Addresses (CIDR) that may deploy; none: everybody with the right to.')
param deployerAddresses string[] = []

@description('Largest request body, in bytes: refused above it by the gateway, the Functions host and the function. More needs more memory or fewer requests at a time: infra/app/README.md.')
@minValue(1)
@maxValue(104857600)
param maxRequestBytes int = 4194304

@description('ARN of the AWS role to work in, as the output of infra/aws/bedrock-proxy.yaml names it.')
param awsRoleArn string?

@description('No AWS key anywhere: Application ID URI of the registration that stands for AWS, api://<client id>. Needs awsRoleArn.')
param awsWebIdentityAudience string?

@description('False: makes no vault, because no AWS key is kept.')
param createVault bool = empty(awsWebIdentityAudience) && empty(existingVaultId)

@description('Resource id of an existing vault to use; none is made then. Its secret must be there before.')
param existingVaultId string?

@description('Name of the secret that holds the AWS keys.')
param awsSecretName string = 'aws-credentials'

@description('Age after which the function reads the AWS keys again.')
@minValue(1)
@maxValue(86400)
param credentialsRefreshSeconds int = 300

@description('What the log tells of names of people: the subscription\'s and the user\'s. Unset: full. hashed needs CALLER_NAMES_KEY among appSettings.')
@allowed(['full', 'hashed', 'none'])
param callerNames string?

@description('Further settings of the proxy, by the names in src/config/README.md.')
param appSettings { *: string } = {}

// ---- The network

@description('True: vault and storage on private endpoints, the app in a virtual network with one outbound address.')
param vnetEnabled bool = false

@description('Address space of the virtual network, at least a /25.')
param vnetAddressPrefix string = '10.0.0.0/24'

@description('SKU of the NAT gateway: StandardV2 spans the zones of the region, Standard is in one.')
@allowed(['Standard', 'StandardV2'])
param natGatewaySku string = 'Standard'

@description('With vnetEnabled: an existing subnet for the app, delegated to Microsoft.App/environments, with a way out to the internet. No network is made then.')
param appSubnetId string?

@description('With appSubnetId: an existing subnet for the private endpoints.')
param endpointSubnetId string?

@description('Private DNS zones of the private endpoints: whether those are made that are not named here, by resource id, as blob, table, vault, sites. Not to be made where a policy keeps the names.')
param privateDnsZones privateDns = { create: true }

@description('True: the app has a private endpoint and no public one. Needs vnetEnabled, and a gateway in a network that reaches it.')
param privateIngress bool = false

@description('With vnetEnabled: addresses (CIDR) that may reach the vault from outside, to store the AWS keys. None: only the network can.')
param vaultAllowedAddresses string[] = []

// ---- Who is told

@description('Resource id of an existing Log Analytics workspace; unset: one is made.')
param existingWorkspaceId string?

@description('Days that a workspace that is made keeps its tables.')
@minValue(30)
@maxValue(730)
param retentionDays int = 90

@description('Days that a workspace that is made keeps the log lines altogether, what is beyond retentionDays as an archive; unset: no archive.')
@minValue(30)
@maxValue(4383)
param archiveDays int?

@description('True: sends the audit logs of app and storage to the workspace.')
param auditLogs bool = false

@description('What the Functions host sends its telemetry with, the log lines included: what each loses, costs and cannot do is told in infra/monitoring/RECORDS.md.')
@allowed(['OpenTelemetry', 'ApplicationInsights'])
param hostTelemetry string = 'OpenTelemetry'

@description('True: makes alert rules. Without somebody to tell they would only cost.')
param createAlerts bool = !empty(alertEmail) || !empty(actionGroupIds)

@description('Address that gets a mail when the AWS keys cannot be used, calls fail or are throttled.')
param alertEmail string?

@description('Resource ids of existing action groups that are told of the same.')
param actionGroupIds string[] = []

@description('Percentage of failed calls above which somebody is told.')
@minValue(0)
@maxValue(100)
param alertErrorPercent int = 5

@description('Percentage of throttled calls above which somebody is told.')
@minValue(0)
@maxValue(100)
param alertThrottledPercent int = 10

@description('Percentage of a budget above which somebody is told.')
@minValue(0)
@maxValue(100)
param alertBudgetPercent int = 80

@description('Percentage of calls without a record above which somebody is told: bills made from the log lack them.')
@minValue(0)
@maxValue(100)
param alertMissingPercent int = 1

@description('Answers of 5xx, and answers of 401 from behind the gateway, in five minutes above which somebody is told; the gateway counts them itself.')
@minValue(0)
param alertGatewayAnswers int = 20

@description('True: asks /health through the gateway once a minute, from five places outside. Needs a gateway that the internet reaches.')
param createAvailabilityTest bool = createAlerts && configureGateway

@description('Percentage of the requests whose trace is sent. Log lines and metrics are never sampled.')
@minValue(0)
@maxValue(100)
param tracePercent int = 100

// ---- The deployer

@description('Object id of who may store the AWS keys.')
param vaultOfficerPrincipalId string = deployer().objectId

// ---- What follows from it

// An empty text is taken as none: a command leaves it where its shell has no value.
var token = toLower(uniqueString(subscription().id, environmentName, location, nameSuffix))
var allTags = { ...tags, 'azd-env-name': environmentName }
var workspaceId = empty(existingWorkspaceId)
  ? resourceId('Microsoft.OperationalInsights/workspaces', workspaceName)
  : existingWorkspaceId!
var workspaceName = resourceNames.?workspace ?? 'log-${token}'
var functionAppName = resourceNames.?functionApp ?? 'func-${token}'
var componentName = resourceNames.?component ?? 'appi-${token}'
var healthSubscriptionName = '${gatewayNamePrefix}-health'
var recipientsName = 'ag-${token}'
var toldOfAlerts = [
  ...(empty(alertEmail) ? [] : [resourceId('Microsoft.Insights/actionGroups', recipientsName)])
  ...actionGroupIds
]
var newGatewayName = resourceNames.?gateway ?? 'apim-${token}'
var gatewayName = createApim ? newGatewayName : empty(apimName) ? fail('Set apimName, or createApim.') : apimName!
var gatewayGroup = createApim
  ? resourceGroup().name
  : empty(apimResourceGroupName) ? fail('Set apimResourceGroupName, or createApim.') : apimResourceGroupName!
var gatewaySubscription = createApim ? subscription().subscriptionId : apimSubscriptionId
var userAssignedIdentityId = createApim || empty(apimUserAssignedIdentityId) ? null : apimUserAssignedIdentityId
var audience = 'api://${proxyAppClientId ?? ''}'

var apiUrl = '${empty(gatewayUrl) ? gateway.outputs.url : gatewayUrl!}/${apiPath}'

module newGateway 'gateway/api-management.bicep' = if (createApim) {
  params: {
    name: newGatewayName
    location: location
    tags: allTags
    publisherName: apimPublisherName
    restore: restoreApim
    publisherEmail: createApim && empty(apimPublisherEmail)
      ? fail('A new API Management instance needs apimPublisherEmail.')
      : apimPublisherEmail ?? ''
  }
}

module gateway 'gateway/instance.bicep' = {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    name: createApim ? newGateway!.outputs.name : gatewayName
    userAssignedIdentityId: userAssignedIdentityId
  }
}

module identity 'app/identity.bicep' = {
  params: {
    name: resourceNames.?identity ?? 'id-${token}'
    location: location
    tags: allTags
  }
}

module workspace 'monitoring/workspace.bicep' = if (empty(existingWorkspaceId)) {
  params: {
    name: workspaceName
    location: location
    tags: allTags
    retentionDays: retentionDays
    archiveDays: archiveDays
  }
}

module monitoring 'monitoring/monitoring.bicep' = {
  params: {
    workspaceId: workspaceId
    componentName: componentName
    location: location
    tags: allTags
    publisherPrincipalIds: [identity.outputs.principalId, gateway.outputs.principalId]
  }
  dependsOn: [workspace]
}

module workbook 'monitoring/workbook.bicep' = {
  params: {
    workspaceId: workspaceId
    location: location
    tags: allTags
  }
  dependsOn: [workspace]
}

module recipients 'monitoring/recipients.bicep' = if (createAlerts && !empty(alertEmail)) {
  params: {
    name: recipientsName
    tags: allTags
    email: alertEmail ?? ''
  }
}

module alerts 'monitoring/alerts.bicep' = if (createAlerts) {
  params: {
    workspaceId: workspaceId
    componentName: componentName
    suffix: token
    location: location
    tags: allTags
    actionGroupIds: toldOfAlerts
    functionAppName: functionAppName
    maximumInstanceCount: maximumInstanceCount
    errorPercent: alertErrorPercent
    throttledPercent: alertThrottledPercent
    budgetPercent: alertBudgetPercent
    missingPercent: alertMissingPercent
    probed: createAvailabilityTest
  }
  dependsOn: [monitoring, recipients]
}

module gatewayAlerts 'monitoring/gateway-alerts.bicep' = if (createAlerts && configureGateway) {
  params: {
    gatewayId: gateway.outputs.id
    apiName: gatewayNamePrefix
    tierV2: gateway.outputs.tierV2
    suffix: token
    tags: allTags
    actionGroupIds: toldOfAlerts
    answers: alertGatewayAnswers
  }
  dependsOn: [recipients]
}

module healthProbe 'gateway/health-probe.bicep' = if (createAvailabilityTest) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    prefix: gatewayNamePrefix
    subscriptionName: healthSubscriptionName
  }
  dependsOn: [api]
}

module availability 'monitoring/availability.bicep' = if (createAvailabilityTest) {
  params: {
    componentName: componentName
    apiUrl: apiUrl
    subscription: {
      apimName: gatewayName
      resourceGroup: gatewayGroup
      subscriptionId: gatewaySubscription
      name: healthSubscriptionName
    }
    suffix: token
    location: location
    tags: allTags
    actionGroupIds: createAlerts ? toldOfAlerts : []
  }
  dependsOn: [healthProbe, monitoring, recipients]
}

module secretExpiry 'monitoring/secret-expiry.bicep' = if (createAlerts && createVault) {
  params: {
    vaultId: vault!.outputs.id
    suffix: token
    location: location
    tags: allTags
    actionGroupIds: toldOfAlerts
  }
  dependsOn: [recipients]
}

module network 'app/network.bicep' = if (vnetEnabled && empty(appSubnetId)) {
  params: {
    name: resourceNames.?network ?? 'vnet-${token}'
    location: location
    tags: allTags
    addressPrefix: vnetAddressPrefix
    natGatewaySku: natGatewaySku
  }
}

var endpoints = vnetEnabled
  ? {
      subnetId: empty(appSubnetId)
        ? network!.outputs.endpointSubnetId
        : empty(endpointSubnetId) ? fail('appSubnetId needs endpointSubnetId.') : endpointSubnetId!
      dns: privateDnsZones
    }
  : null

module storage 'app/storage.bicep' = {
  params: {
    name: resourceNames.?storage ?? 'st${token}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    network: endpoints
    zoneRedundant: zoneRedundant
    undeleteDays: undeleteDays
    deleteLock: deleteLocks
    auditTo: auditLogs ? workspaceId : null
  }
}

module vault 'app/vault.bicep' = if (createVault) {
  params: {
    name: resourceNames.?vault ?? 'kv-${token}'
    location: location
    tags: allTags
    readerPrincipalId: identity.outputs.principalId
    officerPrincipalId: vaultOfficerPrincipalId
    workspaceId: workspaceId
    network: endpoints
    allowedAddresses: vnetEnabled ? vaultAllowedAddresses : []
    deleteLock: deleteLocks
  }
  dependsOn: [workspace]
}

var existingVaultPath = split(empty(existingVaultId) ? resourceGroup().id : existingVaultId!, '/')

module existingSecret 'app/existing-secret.bicep' = if (!empty(existingVaultId)) {
  scope: resourceGroup(existingVaultPath[2], existingVaultPath[4])
  params: {
    vaultName: last(existingVaultPath)
    secretName: awsSecretName
    readerPrincipalId: identity.outputs.principalId
  }
}

var keysInVault = createVault || !empty(existingVaultId)
var vaultUri = !empty(existingVaultId) ? existingSecret!.outputs.uri : createVault ? vault!.outputs.uri : ''
var vaultName = !empty(existingVaultId) ? existingSecret!.outputs.name : createVault ? vault!.outputs.name : ''

module functionApp 'app/function-app.bicep' = {
  params: {
    name: functionAppName
    planName: resourceNames.?plan ?? 'plan-${token}'
    location: location
    tags: allTags
    identity: { id: identity.outputs.id, clientId: identity.outputs.clientId }
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    perInstanceConcurrency: perInstanceConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    updateStrategy: updateStrategy
    blobEndpoint: storage.outputs.blobEndpoint
    packageContainer: storage.outputs.packageContainer
    componentName: monitoring.outputs.componentName
    tracePercent: tracePercent
    settings: {
      ...appSettings
      AWS_REGION: bedrockRegion
      ...(empty(furtherBedrockRegions) ? {} : { AWS_REGIONS: join(furtherBedrockRegions, ',') })
      OPERATIONS: join(operationGroups, ',')
      ...(callerNames == null ? {} : { CALLER_NAMES: callerNames! })
      ...(keysInVault
        ? {
            KEY_VAULT_URI: vaultUri
            AWS_CREDENTIALS_SECRET_NAME: awsSecretName
            CREDENTIALS_REFRESH_SECONDS: string(credentialsRefreshSeconds)
          }
        : {})
      ...(empty(awsRoleArn) ? {} : { AWS_ROLE_ARN: awsRoleArn! })
      ...(empty(awsWebIdentityAudience)
        ? {}
        : {
            AWS_WEB_IDENTITY_AUDIENCE: awsWebIdentityAudience!
            AWS_ROLE_ARN: empty(awsRoleArn) ? fail('awsWebIdentityAudience needs awsRoleArn.') : awsRoleArn!
          })
      AZURE_CLIENT_ID: identity.outputs.clientId
      BUDGET_TABLE_URI: storage.outputs.budgetTableUri
      MAX_REQUEST_BYTES: string(maxRequestBytes)
      CALLER_AUTH: callerAuth
      ...(callerAuth == 'entra'
        ? {
            ENTRA_TENANT_ID: tenant().tenantId
            // The client id in v2 tokens; the URI is what the gateway asks a token for.
            ENTRA_AUDIENCE: '${empty(proxyAppClientId) ? fail('callerAuth entra needs proxyAppClientId.') : proxyAppClientId!},${audience}'
            ENTRA_ALLOWED_CALLERS: gateway.outputs.principalId
            ENTRA_AUTHORITY: environment().authentication.loginEndpoint
          }
        : {})
    }
    gatewayAddresses: empty(gatewayAddresses) ? gateway.outputs.addresses : gatewayAddresses
    deployerAddresses: deployerAddresses
    zoneRedundant: zoneRedundant
    hostTelemetry: hostTelemetry
    auditTo: auditLogs ? workspaceId : null
    appSubnetId: vnetEnabled ? (empty(appSubnetId) ? network!.outputs.appSubnetId : appSubnetId) : null
    privateIngress: privateIngress
  }
}

module appEndpoint 'app/private-endpoint.bicep' = if (privateIngress) {
  params: {
    name: 'pe-func-${token}'
    location: location
    tags: allTags
    network: endpoints ?? (privateIngress
      ? fail('privateIngress needs vnetEnabled.')
      : { subnetId: '', dns: privateDnsZones })
    targetId: functionApp.outputs.id
    groupId: 'sites'
    zoneName: 'privatelink.${functionApp.outputs.domain}'
  }
}

module owner 'gateway/owner.bicep' = if (configureGateway) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    prefix: gatewayNamePrefix
    functionAppId: functionApp.outputs.id
  }
}

module api 'gateway/api.bicep' = if (configureGateway) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    prefix: gatewayNamePrefix
    userAssignedIdentity: userAssignedIdentityId != null
    identityClientId: gateway.outputs.identityClientId
    path: apiPath
    callerAuth: callerAuth
    audience: audience
    maxRequestBytes: maxRequestBytes
    acceptBearerKey: acceptBearerKey
    operationGroups: operationGroups
    functionApps: [
      {
        id: toLower(owner!.outputs.functionAppId) == toLower(functionApp.outputs.id)
          ? functionApp.outputs.id
          : fail('The API "${gatewayNamePrefix}" of this API Management instance belongs to ${owner!.outputs.functionAppId}. Set gatewayNamePrefix and apiPath to have one beside it. To take it over, delete the named value "${gatewayNamePrefix}-owner" first.')
        priority: poolPriority
        weight: poolWeight
      }
      ...poolMembers
    ]
  }
}

module diagnostics 'gateway/diagnostics.bicep' = if (configureGateway) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    prefix: gatewayNamePrefix
    identityClientId: userAssignedIdentityId == null ? 'SystemAssigned' : gateway.outputs.identityClientId
    percent: gatewayLogPercent
    component: {
      name: monitoring.outputs.componentName
      resourceGroup: resourceGroup().name
      subscriptionId: subscription().subscriptionId
    }
    resourceLogsTo: gatewayResourceLogs ? workspaceId : null
  }
  dependsOn: [api]
}

module product 'gateway/product.bicep' = if (configureGateway) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    prefix: gatewayNamePrefix
  }
  dependsOn: [api]
}

@description('URL for clients: the paths of Bedrock follow it.')
output BEDROCK_API_URL string = apiUrl

@description('What the gateway has stored about keys as bearer tokens: enabled, or nothing.')
output BEARER_KEY string = configureGateway ? api!.outputs.bearerKey : ''

@description('Resource group of the environment.')
output AZURE_RESOURCE_GROUP string = resourceGroup().name

@description('Name of the function app.')
output FUNCTION_APP_NAME string = functionApp.outputs.name

@description('Resource id of the function app, for poolMembers of another deployment.')
output FUNCTION_APP_ID string = functionApp.outputs.id

@description('Object id of the app’s identity, which the trust policy of the AWS role names.')
output PROXY_IDENTITY_OBJECT_ID string = identity.outputs.principalId

@description('Name of the vault that holds the AWS keys; empty without one.')
output AZURE_KEY_VAULT_NAME string = vaultName

@description('Name of the secret that holds them.')
output AWS_CREDENTIALS_SECRET_NAME string = awsSecretName

@description('Age after which the function reads them again.')
output CREDENTIALS_REFRESH_SECONDS int = credentialsRefreshSeconds

@description('The one address that Bedrock sees, for aws:SourceIp; empty without a virtual network.')
output BEDROCK_CLIENT_ADDRESS string = vnetEnabled && empty(appSubnetId) ? network!.outputs.outboundAddress : ''
