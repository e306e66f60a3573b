import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { createEndpoint } from '../../../infra/verify/endpoint.ts';
import type { Azure } from '../../../infra/verify/azure/azure.ts';
import { lookAtAzure } from '../../../infra/verify/azure/look-at-azure.ts';
import type { Look } from '../../../infra/verify/azure/look.ts';
import { type ResourceManager, startResourceManager } from '../../emulators/azure/resource-manager.ts';
import type { Chain } from '../../emulators/chain.ts';
import { BEDROCK_OPERATIONS } from '../../emulators/gateway/operations.ts';
import { runQuery } from '../../emulators/kusto/query.ts';
import { root } from '../../support/root.ts';
import { SCHEMA } from '../monitoring/schema.ts';

const SUBSCRIPTION = '/subscriptions/00000000-0000-0000-0000-000000000001';
const GROUP = `${SUBSCRIPTION}/resourceGroups/rg-prod`;
const web = (name: string) => `${GROUP}/providers/Microsoft.Web/${name}`;

/** Ids of what the template makes. */
export const IDS = {
  subscription: SUBSCRIPTION,
  group: GROUP,
  site: web('sites/func-abc'),
  plan: web('serverfarms/plan-abc'),
  storage: `${GROUP}/providers/Microsoft.Storage/storageAccounts/stabc`,
  identity: `${GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-abc`,
  component: `${GROUP}/providers/Microsoft.Insights/components/appi-abc`,
  workspace: `${GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-abc`,
  vault: `${GROUP}/providers/Microsoft.KeyVault/vaults/kv-abc`,
  gateway: `${SUBSCRIPTION}/resourceGroups/rg-gateway/providers/Microsoft.ApiManagement/service/apim-contoso`,
  roles: `${SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments`,
  rules: `${GROUP}/providers/Microsoft.Insights/scheduledQueryRules`,
  stacks: '/providers/Microsoft.Web/locations/westeurope/functionAppStacks',
} as const;
export const API = `${IDS.gateway}/apis/bedrock`;
export const SECRET = `${IDS.vault}/secrets/aws-credentials`;
export const POLICY = readFileSync(join(root, 'infra/gateway/policies/bedrock.xml'), 'utf8');

/** Of what the template makes. */
export const TAGS = { 'azd-env-name': 'prod' };

const TENANT = '00000000-0000-0000-0000-000000000002';
const CLIENT_ID = '11111111-1111-1111-1111-111111111111';
const APP_PRINCIPAL = '22222222-2222-2222-2222-222222222222';
export const GATEWAY_PRINCIPAL = '33333333-3333-3333-3333-333333333333';
const DAY = 86_400;

/** A deployment in the emulated Azure, before a chain that is its data plane. */
export interface World {
  readonly azure: ResourceManager;
  /** What `az` and `azd` answer, by their first words; a test may change it. */
  readonly tools: Record<string, Look<unknown>>;
  /** What hosts of the deployment say to strangers, by host and path. */
  readonly hosts: Record<string, number>;
  /** What is in `dist` of the checkout, and what is deployed. */
  local: Buffer | undefined;
  /** As the command does it. */
  look(given?: { group?: string; gatewayId?: string }): Promise<Azure>;
  close(): Promise<void>;
}

export async function startWorld(chain: Chain): Promise<World> {
  const azure = await startResourceManager();
  fill(azure, chain);
  const endpoint = createEndpoint(new URL(chain.gateway.url), { key: '', timeoutMs: 1000, onAnswer: () => {} });
  const world: World = {
    azure,
    tools: {
      'az version': { found: { 'azure-cli': '2.80.0' } },
      'azd version': { found: { azd: { version: '1.23.5 (commit abc)' } } },
      'az account show': {
        found: { id: SUBSCRIPTION.split('/').at(-1), tenantId: TENANT, user: { name: 'somebody' } },
      },
      'az account get-access-token': { found: { accessToken: azure.token } },
      'azd auth token': { found: { token: azure.token } },
      'az cloud show': {
        found: {
          endpoints: {
            resourceManager: `${azure.url}/`,
            logAnalyticsResourceId: azure.url,
            microsoftGraphResourceId: `${azure.url}/`,
          },
        },
      },
      'azd env get-values': { found: environmentOf(chain) },
    },
    hosts: { 'func-abc.azurewebsites.net/health': 403, 'func-abc.scm.azurewebsites.net/api/settings': 401 },
    local: undefined,
    async look({ group, gatewayId } = {}) {
      const looked = await lookAtAzure(endpoint, { group, gatewayId }, async (tool, words) => {
        const line = `${tool} ${words.join(' ')}`;
        const known = Object.keys(world.tools).find((each) => line === each || line.startsWith(`${each} --`));
        return known === undefined ? { absent: true } : (world.tools[known] ?? { absent: true });
      });
      return {
        ...looked,
        localPackage: () => Promise.resolve(world.local),
        async visit(url) {
          const { host, pathname } = new URL(url);
          const status = world.hosts[host + pathname];
          if (status === undefined) {
            return { none: 'name', evidence: 'the host name is not known (ENOTFOUND)', remedy: '' };
          }
          const headers = status === 401 ? { 'x-ms-invocation-id': '1' } : {};
          const times = { headersMs: 1, endMs: 1, piecesMs: [] };
          return { status, headers, body: Buffer.alloc(0), complete: true, ...times };
        },
      };
    },
    close: () => azure.close(),
  };
  return world;
}

export function environmentOf(chain: Chain): Record<string, string> {
  return {
    AZURE_ENV_NAME: 'prod',
    AZURE_SUBSCRIPTION_ID: SUBSCRIPTION.split('/').at(-1) ?? '',
    AZURE_TENANT_ID: TENANT,
    AZURE_RESOURCE_GROUP: 'rg-prod',
    AZURE_KEY_VAULT_NAME: 'kv-abc',
    AWS_CREDENTIALS_SECRET_NAME: 'aws-credentials',
    APIM_NAME: 'apim-contoso',
    APIM_RESOURCE_GROUP: 'rg-gateway',
    BEDROCK_REGION: 'us-east-1',
    BEDROCK_API_URL: chain.gateway.url,
    ALERT_EMAIL: 'somebody@contoso.com',
  };
}

function fill(azure: ResourceManager, chain: Chain): void {
  const providers = [
    'Web',
    'Storage',
    'Insights',
    'OperationalInsights',
    'ManagedIdentity',
    'ApiManagement',
    'KeyVault',
    'AlertsManagement',
    'Network',
    'App',
  ];
  for (const name of providers) {
    azure.hold(`${SUBSCRIPTION}/providers/Microsoft.${name}`, { registrationState: 'Registered' });
  }
  azure.hold(`${SUBSCRIPTION}/resources`, [resource(IDS.vault)]);
  azure.hold(IDS.component, { ...resource(IDS.component), properties: { WorkspaceResourceId: IDS.workspace } });
  const resources = [IDS.plan, IDS.site, IDS.storage, IDS.identity, IDS.component, IDS.workspace, IDS.vault];
  azure.hold(`${GROUP}/resources`, resources.map(resource));
  azure.hold(`${GROUP}/providers/Microsoft.Resources/deployments`, []);
  fillApp(azure);
  fillGateway(azure, chain);
  const now = Math.floor(Date.now() / 1000);
  azure.hold(IDS.vault, { ...resource(IDS.vault), properties: { vaultUri: 'https://kv-abc.vault.azure.net/' } });
  azure.hold(SECRET, {
    id: SECRET,
    properties: { contentType: 'application/json', attributes: { enabled: true, created: now - 10 * DAY } },
  });
  azure.hold(`${IDS.vault}/providers/Microsoft.Insights/diagnosticSettings`, [
    { name: 'audit', properties: { logs: [{ categoryGroup: 'audit', enabled: true }] } },
  ]);
  azure.hold(IDS.workspace, { ...resource(IDS.workspace), properties: { customerId: 'workspace' } });
  azure.hold('/v1/workspaces/workspace/query', (_, body) =>
    query(JSON.parse(body).query, linesOf(chain), dependenciesOf(chain)),
  );
  azure.hold(IDS.rules, [
    { name: 'alert', tags: TAGS, properties: { enabled: true, actions: { actionGroups: ['ag'] } } },
  ]);
  azure.hold(`/v1.0/applications(appId='${CLIENT_ID}')`, {
    api: { requestedAccessTokenVersion: 2 },
    identifierUris: [`api://${CLIENT_ID}`],
  });
  azure.hold(`/v1.0/servicePrincipals(appId='${CLIENT_ID}')`, { accountEnabled: true });
}

function resource(id: string) {
  const [, provider = '', kind = ''] = /providers\/([^/]+)\/([^/]+)/.exec(id) ?? [];
  return {
    id,
    name: id.split('/').at(-1),
    type: `${provider}/${kind}`,
    location: 'westeurope',
    tags: TAGS,
    provisioningState: 'Succeeded',
  };
}

function fillApp(azure: ResourceManager): void {
  azure.hold(IDS.site, {
    ...resource(IDS.site),
    location: 'West Europe',
    properties: {
      state: 'Running',
      defaultHostName: 'func-abc.azurewebsites.net',
      enabledHostNames: ['func-abc.azurewebsites.net', 'func-abc.scm.azurewebsites.net'],
      publicNetworkAccess: 'Enabled',
      functionAppConfig: {
        runtime: { name: 'node', version: '24' },
        deployment: { storage: { type: 'blobContainer', value: `${azure.url}/app-package` } },
        scaleAndConcurrency: { alwaysReady: [] },
      },
    },
  });
  azure.hold(`${IDS.site}/config/appsettings/list`, {
    properties: {
      AWS_REGION: 'us-east-1',
      KEY_VAULT_URI: 'https://kv-abc.vault.azure.net/',
      CALLER_AUTH: 'entra',
      ENTRA_TENANT_ID: TENANT,
      ENTRA_AUDIENCE: `${CLIENT_ID},api://${CLIENT_ID}`,
      ENTRA_ALLOWED_CALLERS: GATEWAY_PRINCIPAL,
      MAX_REQUEST_BYTES: '4194304',
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${TENANT};IngestionEndpoint=https://weu.in.example/`,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${CLIENT_ID};Authorization=AAD`,
      OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage',
      OTEL_TRACES_SAMPLER_ARG: '1',
    },
  });
  azure.hold(IDS.stacks, [
    {
      properties: {
        majorVersions: ['24', '22'].map((version) => ({
          minorVersions: [
            {
              stackSettings: {
                linuxRuntimeSettings: {
                  Sku: [{ skuCode: 'FC1', functionAppConfigProperties: { runtime: { name: 'node', version } } }],
                },
              },
            },
          ],
        })),
      },
    },
  ]);
  for (const name of ['ftp', 'scm']) {
    azure.hold(`${IDS.site}/basicPublishingCredentialsPolicies/${name}`, { properties: { allow: false } });
  }
  azure.hold(IDS.identity, { ...resource(IDS.identity), properties: { principalId: APP_PRINCIPAL, clientId: '4' } });
  const given = [
    assignment('b7e6dc6d-f1e8-4753-8033-0f276bb0955b', IDS.storage),
    assignment('0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', `${IDS.storage}/tableServices/default/tables/budgets`),
    assignment('3913510d-42f4-4e42-8a64-420c390055eb', IDS.component),
    assignment('4633458b-17de-408a-b874-0445c86b69e6', IDS.vault),
    assignment('3913510d-42f4-4e42-8a64-420c390055eb', IDS.component, GATEWAY_PRINCIPAL),
  ];
  holdRoles(azure, given);
}

export function assignment(role: string, scope: string, principalId = APP_PRINCIPAL) {
  const roleDefinitionId = `${SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
  return { properties: { principalId, scope, roleDefinitionId } };
}

/** Role assignments, which are asked for by principal. */
export function holdRoles(azure: ResourceManager, all: readonly ReturnType<typeof assignment>[]): void {
  azure.hold(IDS.roles, (url) => {
    const [, principal] = /^principalId eq '([^']+)'$/.exec(url.searchParams.get('$filter') ?? '') ?? [];
    return { value: all.filter(({ properties }) => properties.principalId === principal) };
  });
}

function fillGateway(azure: ResourceManager, chain: Chain): void {
  azure.hold(IDS.gateway, {
    ...resource(IDS.gateway),
    sku: { name: 'Premium' },
    identity: { type: 'SystemAssigned', principalId: GATEWAY_PRINCIPAL },
    properties: {
      customProperties: { 'Microsoft.WindowsAzure.ApiManagement.Gateway.Protocols.Server.Http2': 'True' },
    },
  });
  azure.hold(`${IDS.gateway}/apis`, [
    { id: `${IDS.gateway}/apis/echo`, name: 'echo', properties: { path: 'echo' } },
    {
      id: API,
      name: 'bedrock',
      properties: { path: new URL(chain.gateway.url).pathname.slice(1), subscriptionRequired: true, isCurrent: true },
    },
  ]);
  azure.hold(`${API}/policies/policy`, { properties: { format: 'rawxml', value: POLICY.replaceAll('\n', '\r\n') } });
  azure.hold(
    `${API}/operations`,
    BEDROCK_OPERATIONS.map((properties) => ({ properties })),
  );
  azure.hold(`${IDS.gateway}/policies/policy`, { properties: { value: '<policies><outbound /></policies>' } });
  azure.hold(`${IDS.gateway}/backends/bedrock-proxy`, {
    properties: { url: 'https://func-abc.azurewebsites.net', type: 'Single' },
  });
  const values = { 'bedrock-proxy-audience': `api://${CLIENT_ID}`, 'bedrock-max-request-bytes': '4194304' };
  for (const [name, value] of Object.entries(values)) {
    azure.hold(`${IDS.gateway}/namedValues/${name}`, { properties: { value } });
  }
  const silent = { request: { body: { bytes: 0 } }, response: { body: { bytes: 0 } } };
  const diagnostics = ['applicationinsights', 'azuremonitor'].map((name) => ({
    name,
    properties: { frontend: silent, backend: silent },
  }));
  azure.hold(`${API}/diagnostics`, diagnostics);
  azure.hold(`${IDS.gateway}/diagnostics`, []);
}

/** What the host has logged, as rows of the table. */
export function linesOf(chain: Chain): string[] {
  return chain.host.logs.map(({ message }) => message);
}

/** A row of AppDependencies, as far as it is asked for. */
export interface Dependency {
  readonly Name: string;
  readonly Target: string;
  readonly OperationId: string;
  readonly Properties: Readonly<Record<string, string>>;
}

/** What the function has exported, and beside it what the gateway would have: one row a trace. */
export function exportedBy(chain: Chain): Dependency[] {
  const ofTheFunction = chain.insights.dependencies().map(({ tags, data: { baseData } }) => ({
    Name: baseData.name ?? '',
    Target: baseData.target ?? '',
    OperationId: tags['ai.operation.id'] ?? '',
    Properties: baseData.properties ?? {},
  }));
  const traces = new Set(ofTheFunction.map(({ OperationId }) => OperationId));
  return [...ofTheFunction, ...Array.from(traces, ofTheGateway)];
}

/** The same for calls of which there are records, whether or not their spans are exported yet. */
export function dependenciesOf(chain: Chain): Dependency[] {
  const ids = linesOf(chain)
    .filter((line) => line.startsWith('{"event":"bedrock.request"'))
    .map((line) => String((JSON.parse(line) as { requestId: unknown }).requestId));
  return ids.flatMap((id) => [
    { Name: 'bedrock-proxy Converse', Target: '', OperationId: id, Properties: { 'faas.invocation_id': id } },
    ofTheGateway(id),
  ]);
}

const ofTheGateway = (OperationId: string): Dependency => ({
  Name: 'POST /model/x/converse',
  Target: 'func-abc.azurewebsites.net',
  OperationId,
  Properties: {},
});

/** The answer of Log Analytics to a query over these lines and calls. */
export function query(text: string, lines: readonly string[], dependencies: readonly Dependency[] = []): object {
  const now = new Date();
  const TimeGenerated = now.getTime() - 1;
  const AppTraces = lines.map((Message) => ({ TimeGenerated, Message }));
  const AppDependencies = dependencies.map((each) => ({ TimeGenerated, ...each }));
  const rows = runQuery(text, { schema: SCHEMA, rows: { AppTraces, AppDependencies }, now });
  return { tables: [{ name: 'PrimaryResult', rows: rows.map((row) => Object.values(row)) }] };
}
