/**
 * Length and characters of the names of each type ("Naming rules and restrictions for Azure resources", Microsoft Learn);
 * of a child, those of its own segment.
 */
export const NAME_RULES: Readonly<Record<string, RegExp>> = {
  'Microsoft.ApiManagement/service': /^[a-zA-Z](?:[a-zA-Z0-9-]{0,48}[a-zA-Z0-9])?$/,
  'Microsoft.ApiManagement/service/apis': /^[^*#&+:<>?]{1,256}$/,
  'Microsoft.ApiManagement/service/apis/diagnostics': /^(applicationinsights|azuremonitor)$/,
  'Microsoft.ApiManagement/service/apis/operations': /^[^*#&+:<>?]{1,80}$/,
  'Microsoft.ApiManagement/service/apis/policies': /^policy$/,
  'Microsoft.ApiManagement/service/backends': /^[^*#&+:<>?]{1,80}$/,
  'Microsoft.ApiManagement/service/loggers': /^[^*#&+:<>?]{1,256}$/,
  'Microsoft.ApiManagement/service/namedValues': /^[A-Za-z0-9._-]{1,256}$/,
  'Microsoft.ApiManagement/service/products': /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,78}[a-zA-Z0-9])?$/,
  'Microsoft.ApiManagement/service/products/apiLinks': /^[a-zA-Z0-9-]{1,80}$/,
  'Microsoft.Insights/actionGroups': /^[^:<>+/&%\\?|]{1,259}[^:<>+/&%\\?|. ]$/,
  'Microsoft.Insights/components': /^[^%&\\?/]{1,259}[^%&\\?/. ]$/,
  'Microsoft.Insights/diagnosticSettings': /^[^*<>%:&\\?+/\s]{1,260}$/,
  'Microsoft.Insights/scheduledQueryRules': /^[^*<>%:&\\?{}+/#]{1,259}[^*<>%:&\\?{}+/#. ]$/,
  'Microsoft.Insights/workbooks': /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'Microsoft.KeyVault/vaults': /^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/,
  'Microsoft.ManagedIdentity/userAssignedIdentities': /^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$/,
  'Microsoft.Network/natGateways': /^[a-zA-Z0-9](?:[\w.-]{0,78}\w)?$/,
  'Microsoft.Network/privateEndpoints': /^[a-zA-Z0-9](?:[\w.-]{0,62}\w)$/,
  'Microsoft.Network/privateEndpoints/privateDnsZoneGroups': /^[a-zA-Z0-9](?:[\w.-]{0,78}\w)?$/,
  'Microsoft.Network/publicIPAddresses': /^[a-zA-Z0-9](?:[\w.-]{0,78}\w)?$/,
  'Microsoft.Network/virtualNetworks': /^[a-zA-Z0-9](?:[\w.-]{0,62}\w)$/,
  'Microsoft.OperationalInsights/workspaces': /^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$/,
  'Microsoft.Resources/resourceGroups': /^[\p{L}\p{N}_().-]{0,89}[\p{L}\p{N}_()-]$/u,
  'Microsoft.Storage/storageAccounts': /^[a-z0-9]{3,24}$/,
  'Microsoft.Storage/storageAccounts/blobServices': /^default$/,
  'Microsoft.Storage/storageAccounts/blobServices/containers': /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  'Microsoft.Storage/storageAccounts/tableServices': /^default$/,
  'Microsoft.Storage/storageAccounts/tableServices/tables': /^[A-Za-z][A-Za-z0-9]{2,62}$/,
  'Microsoft.Web/serverfarms': /^[a-zA-Z0-9-]{1,60}$/,
  // The Functions host takes its id from the first 32 characters: apps that share them and a storage account collide.
  'Microsoft.Web/sites': /^[a-zA-Z0-9][a-zA-Z0-9-]{0,30}[a-zA-Z0-9]$/,
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': /^(ftp|scm)$/,
};
