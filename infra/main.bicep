targetScope = 'subscription'

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

@description('AWS region of Bedrock, for instance eu-central-1.')
param bedrockRegion string

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

@description('Organisation of a new instance.')
param apimPublisherName string = 'Bedrock proxy'

@description('Address for the notifications of a new instance.')
param apimPublisherEmail string?

@description('False: leaves the gateway alone, for one more function app of a pool.')
param configureGateway bool = true

@description('Resource ids of function apps of other deployments that share the calls with the one of this deployment.')
param poolMemberIds string[] = []

@description('Path of the API on the gateway.')
param apiPath string = 'bedrock'

@description('False: the subscription key is taken from the header api-key only, not from Authorization: Bearer.')
param acceptBearerKey bool = true

@description('Addresses (CIDR) or service tags that the gateway calls from. Needed for the v2 tiers, which have no addresses of their own, unless privateIngress is true.')
param gatewayAddresses string[] = []

// ---- Who may call the function

@description('How the function knows the gateway: by an Entra token of its identity, or by a function key.')
@allowed(['entra', 'functionKey'])
param callerAuth string = 'entra'

@description('Client id of the function\'s app registration (scripts/register-app.sh); needed for entra.')
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

@description('Largest request body, in bytes: refused above it by the gateway, the Functions host and the function. More needs more memory or fewer requests at a time: infra/app/README.md.')
@minValue(1)
@maxValue(104857600)
param maxRequestBytes int = 4194304

@description('ARN of the AWS role to work in, as the output of infra/aws/bedrock-proxy.yaml names it.')
param awsRoleArn string?

@description('No AWS key anywhere: Application ID URI of the registration that stands for AWS, api://<client id>. Needs awsRoleArn.')
param awsWebIdentityAudience string?

@description('False: makes no vault, because no AWS key is kept.')
param createVault bool = empty(awsWebIdentityAudience)

@description('Age after which the function reads the AWS keys again.')
@minValue(1)
@maxValue(86400)
param credentialsRefreshSeconds int = 300

@description('Further settings of the proxy, by the names in src/config/README.md.')
param appSettings { *: string } = {}

// ---- The network

@description('True: vault and storage on private endpoints, the app in a virtual network with one outbound address.')
param vnetEnabled bool = false

@description('Address space of the virtual network, at least a /25.')
param vnetAddressPrefix string = '10.0.0.0/24'

@description('True: the app has a private endpoint and no public one. Needs vnetEnabled, and a gateway in a network that reaches it.')
param privateIngress bool = false

@description('With vnetEnabled: addresses (CIDR) that may reach the vault from outside, to store the AWS keys. None: only the network can.')
param vaultAllowedAddresses string[] = []

// ---- Who is told

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

// ---- The deployer

@description('Object id of who may store the AWS keys.')
param vaultOfficerPrincipalId string = deployer().objectId

var token = toLower(uniqueString(subscription().id, environmentName, location, nameSuffix))
var tags = { 'azd-env-name': environmentName }
var workspaceName = 'log-${token}'
var secretName = 'aws-credentials'
var gatewayName = createApim ? 'apim-${token}' : apimName ?? fail('Set apimName, or createApim.')
var gatewayGroup = createApim ? group.name : apimResourceGroupName ?? fail('Set apimResourceGroupName, or createApim.')
var gatewaySubscription = createApim ? subscription().subscriptionId : apimSubscriptionId
var userAssignedIdentityId = createApim ? null : apimUserAssignedIdentityId
var audience = 'api://${proxyAppClientId ?? ''}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module newGateway 'gateway/api-management.bicep' = if (createApim) {
  scope: group
  params: {
    name: 'apim-${token}'
    location: location
    tags: tags
    publisherName: apimPublisherName
    publisherEmail: apimPublisherEmail ?? (createApim
      ? fail('A new API Management instance needs apimPublisherEmail.')
      : '')
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
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'monitoring/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: workspaceName
    componentName: 'appi-${token}'
    location: location
    tags: tags
    publisherPrincipalIds: [identity.outputs.principalId, gateway.outputs.principalId]
  }
}

module workbook 'monitoring/workbook.bicep' = {
  scope: group
  params: {
    workspaceName: workspaceName
    location: location
    tags: tags
  }
  dependsOn: [monitoring]
}

module alerts 'monitoring/alerts.bicep' = if (createAlerts) {
  scope: group
  params: {
    workspaceName: workspaceName
    suffix: token
    location: location
    tags: tags
    email: alertEmail
    actionGroupIds: actionGroupIds
    errorPercent: alertErrorPercent
    throttledPercent: alertThrottledPercent
    budgetPercent: alertBudgetPercent
  }
  dependsOn: [monitoring]
}

module network 'app/network.bicep' = if (vnetEnabled) {
  scope: group
  params: {
    name: 'vnet-${token}'
    location: location
    tags: tags
    addressPrefix: vnetAddressPrefix
  }
}

var endpoints = vnetEnabled
  ? { virtualNetworkId: network!.outputs.id, subnetId: network!.outputs.endpointSubnetId }
  : null

module storage 'app/storage.bicep' = {
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    network: endpoints
  }
}

module vault 'app/vault.bicep' = if (createVault) {
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    readerPrincipalId: identity.outputs.principalId
    officerPrincipalId: vaultOfficerPrincipalId
    workspaceId: monitoring.outputs.workspaceId
    network: endpoints
    allowedAddresses: vnetEnabled ? vaultAllowedAddresses : []
  }
}

module functionApp 'app/function-app.bicep' = {
  scope: group
  params: {
    name: 'func-${token}'
    planName: 'plan-${token}'
    location: location
    tags: tags
    identity: { id: identity.outputs.id, clientId: identity.outputs.clientId }
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    perInstanceConcurrency: perInstanceConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    blobEndpoint: storage.outputs.blobEndpoint
    packageContainer: storage.outputs.packageContainer
    componentName: monitoring.outputs.componentName
    settings: {
      ...appSettings
      AWS_REGION: bedrockRegion
      ...(createVault
        ? {
            KEY_VAULT_URI: vault!.outputs.uri
            AWS_CREDENTIALS_SECRET_NAME: secretName
            CREDENTIALS_REFRESH_SECONDS: string(credentialsRefreshSeconds)
          }
        : {})
      ...(empty(awsRoleArn) ? {} : { AWS_ROLE_ARN: awsRoleArn! })
      ...(empty(awsWebIdentityAudience)
        ? {}
        : {
            AWS_WEB_IDENTITY_AUDIENCE: awsWebIdentityAudience!
            AWS_ROLE_ARN: awsRoleArn ?? fail('awsWebIdentityAudience needs awsRoleArn.')
          })
      AZURE_CLIENT_ID: identity.outputs.clientId
      BUDGET_TABLE_URI: storage.outputs.budgetTableUri
      MAX_REQUEST_BYTES: string(maxRequestBytes)
      CALLER_AUTH: callerAuth
      ...(callerAuth == 'entra'
        ? {
            ENTRA_TENANT_ID: tenant().tenantId
            // The client id in v2 tokens; the URI is what the gateway asks a token for.
            ENTRA_AUDIENCE: '${proxyAppClientId ?? fail('callerAuth entra needs proxyAppClientId.')},${audience}'
            ENTRA_ALLOWED_CALLERS: gateway.outputs.principalId
            ENTRA_AUTHORITY: environment().authentication.loginEndpoint
          }
        : {})
    }
    gatewayAddresses: empty(gatewayAddresses) ? gateway.outputs.addresses : gatewayAddresses
    appSubnetId: vnetEnabled ? network!.outputs.appSubnetId : null
    privateIngress: privateIngress
  }
}

module appEndpoint 'app/private-endpoint.bicep' = if (privateIngress) {
  scope: group
  params: {
    name: 'pe-func-${token}'
    location: location
    tags: tags
    virtualNetworkId: endpoints.?virtualNetworkId ?? (privateIngress ? fail('privateIngress needs vnetEnabled.') : '')
    subnetId: endpoints.?subnetId ?? ''
    targetId: functionApp.outputs.id
    groupId: 'sites'
    zoneName: 'privatelink.${functionApp.outputs.domain}'
  }
}

module api 'gateway/api.bicep' = if (configureGateway) {
  scope: resourceGroup(gatewaySubscription, gatewayGroup)
  params: {
    apimName: gatewayName
    userAssignedIdentity: userAssignedIdentityId != null
    identityClientId: gateway.outputs.identityClientId
    path: apiPath
    callerAuth: callerAuth
    audience: audience
    maxRequestBytes: maxRequestBytes
    acceptBearerKey: acceptBearerKey
    functionAppIds: [functionApp.outputs.id, ...poolMemberIds]
    component: {
      name: monitoring.outputs.componentName
      resourceGroup: group.name
      subscriptionId: subscription().subscriptionId
    }
  }
}

@description('URL for clients: the paths of Bedrock follow it.')
output BEDROCK_API_URL string = '${gateway.outputs.url}/${apiPath}'

@description('Resource group of the environment.')
output AZURE_RESOURCE_GROUP string = group.name

@description('Name of the function app.')
output FUNCTION_APP_NAME string = functionApp.outputs.name

@description('Resource id of the function app, for poolMemberIds of another deployment.')
output FUNCTION_APP_ID string = functionApp.outputs.id

@description('Object id of the app’s identity, which the trust policy of the AWS role names.')
output PROXY_IDENTITY_OBJECT_ID string = identity.outputs.principalId

@description('Name of the vault that holds the AWS keys; empty without one.')
output AZURE_KEY_VAULT_NAME string = createVault ? vault!.outputs.name : ''

@description('Name of the secret that holds them.')
output AWS_CREDENTIALS_SECRET_NAME string = secretName

@description('Age after which the function reads them again.')
output CREDENTIALS_REFRESH_SECONDS int = credentialsRefreshSeconds

@description('The one address that Bedrock sees, for aws:SourceIp; empty without a virtual network.')
output BEDROCK_CLIENT_ADDRESS string = vnetEnabled ? network!.outputs.outboundAddress : ''
