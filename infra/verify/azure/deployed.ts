import { member } from '../../../src/json/member.ts';
import { environmentIn, environmentOf } from './environment.ts';
import { type Json, members, same, text } from './json.ts';
import type { Look } from './look.ts';
import type { AzureApi } from './resource-manager.ts';

/** Where the deployment is: what azd's environment or the options name. */
export interface Place {
  readonly subscriptionId: string;
  readonly group: string;
  /** Name of the environment, with which its resources are tagged; absent: that of the function app in the group. */
  readonly environmentName?: string;
  /** Resource id of the API Management instance; absent: the one that the deployment has made. */
  readonly gatewayId?: string;
  /** Name of the vault, empty without one; absent: the one that the app's settings name. */
  readonly vaultName?: string;
  /** Path of the API on the gateway, without slashes at its ends. */
  readonly apiPath: string;
}

export interface Apis {
  readonly resourceManager: AzureApi;
  readonly logAnalytics: AzureApi;
  readonly graph: AzureApi;
  /** The API of one storage account. */
  readonly storage: (origin: string) => AzureApi;
}

/** The resources of the deployment; each is asked for once. */
export interface Deployed extends Apis {
  readonly place: Place;
  /** The resources of the deployment in its group, with their provisioning state; others may be there besides. */
  readonly resources: () => Promise<Look<readonly Json[]>>;
  /** The resource of this type among them. */
  readonly ofType: (type: string, apiVersion: string) => Promise<Look<Json>>;
  readonly site: () => Promise<Look<Json>>;
  /** Names and values of the app's settings. */
  readonly settings: () => Promise<Look<Readonly<Record<string, string>>>>;
  /** The vault, in whichever group of the subscription; absent: no AWS key is kept. */
  readonly vault: () => Promise<Look<Json>>;
  /** The rules of the log that are on. */
  readonly alertRules: () => Promise<Look<readonly Json[]>>;
  /** The workspace that the component keeps its log in. */
  readonly workspace: () => Promise<Look<Json>>;
  readonly gateway: () => Promise<Look<Json>>;
  /** The API at the path. */
  readonly api: () => Promise<Look<Json>>;
  /** Object ids of the gateway's identities. */
  readonly gatewayPrincipals: () => Promise<Look<readonly string[]>>;
  /** The policy of the API, as it is stored. */
  readonly policy: () => Promise<Look<string>>;
}

/** Versions of the APIs, those of the template. */
export const VERSIONS = {
  resources: '2021-04-01',
  web: '2025-03-01',
  gateway: '2024-05-01',
  identity: '2024-11-30',
  vault: '2025-05-01',
  storage: '2025-06-01',
  insights: '2020-02-02',
  workspace: '2025-07-01',
  roles: '2022-04-01',
  diagnostics: '2021-05-01-preview',
  rules: '2023-12-01',
  actionGroups: '2023-01-01',
  stacks: '2020-10-01',
} as const;

export function createDeployed(place: Place, apis: Apis): Deployed {
  const { resourceManager } = apis;
  const group = `/subscriptions/${place.subscriptionId}/resourceGroups/${place.group}`;
  const inGroup = once(() =>
    resourceManager.list(`${group}/resources?$expand=provisioningState&api-version=${VERSIONS.resources}`),
  );
  const environment = once(async (): Promise<Look<string>> => {
    if (place.environmentName !== undefined) return { found: place.environmentName };
    const all = await inGroup();
    return 'found' in all ? environmentIn(place.group, all.found) : all;
  });

  /** Those of the deployment. */
  async function own(look: Look<readonly Json[]>): Promise<Look<readonly Json[]>> {
    if (!('found' in look)) return look;
    const name = await environment();
    if (!('found' in name)) return name;
    return { found: look.found.filter((each) => name.found !== '' && same(environmentOf(each), name.found)) };
  }

  const resources = once(async () => own(await inGroup()));

  async function ofType(type: string, apiVersion: string): Promise<Look<Json>> {
    const all = await resources();
    if (!('found' in all)) return all;
    const [first, ...others] = all.found.filter((each) => same(text(each, 'type'), type));
    if (first === undefined) return { absent: true };
    if (others.length > 0) return { why: `${place.group} has several ${type} of this environment` };
    return resourceManager.get(`${text(first, 'id')}?api-version=${apiVersion}`);
  }

  const site = once(() => ofType('Microsoft.Web/sites', VERSIONS.web));
  const gateway = once(() =>
    place.gatewayId === undefined
      ? ofType('Microsoft.ApiManagement/service', VERSIONS.gateway)
      : resourceManager.get(`${place.gatewayId}?api-version=${VERSIONS.gateway}`),
  );
  const settings = once(async (): Promise<Look<Readonly<Record<string, string>>>> => {
    const app = await site();
    if (!('found' in app)) return app;
    const path = `${text(app.found, 'id')}/config/appsettings/list?api-version=${VERSIONS.web}`;
    const answer = await resourceManager.post(path);
    if (!('found' in answer)) return answer;
    return {
      found: Object.fromEntries(members(answer.found, 'properties').map(([name, value]) => [name, String(value)])),
    };
  });
  const vaultInSettings = async (): Promise<Look<string>> => {
    const values = await settings();
    if (!('found' in values)) return values;
    const uri = values.found['KEY_VAULT_URI'] ?? '';
    return { found: URL.canParse(uri) ? (new URL(uri).hostname.split('.')[0] ?? '') : '' };
  };
  const api = once(async (): Promise<Look<Json>> => {
    const service = await gateway();
    if (!('found' in service)) return service;
    const all = await resourceManager.list(`${text(service.found, 'id')}/apis?api-version=${VERSIONS.gateway}`);
    if (!('found' in all)) return all;
    const found = all.found.find(
      (each) => text(each, 'properties', 'path') === place.apiPath && member(each, 'properties', 'isCurrent') !== false,
    );
    return found === undefined ? { absent: true } : { found };
  });
  return {
    ...apis,
    place,
    resources,
    ofType,
    site,
    gateway,
    settings,
    vault: once(async () => {
      const named = place.vaultName === undefined ? await vaultInSettings() : { found: place.vaultName };
      if (!('found' in named)) return named;
      const name = named.found;
      if (name === '') return { absent: true };
      const filter = encodeURIComponent(`resourceType eq 'Microsoft.KeyVault/vaults' and name eq '${name}'`);
      const path = `/subscriptions/${place.subscriptionId}/resources?$filter=${filter}&api-version=${VERSIONS.resources}`;
      const all = await resourceManager.list(path);
      if (!('found' in all)) return all;
      const id = text(all.found[0], 'id');
      if (id === '') return { why: `there is no vault ${name} that may be looked at in the subscription` };
      return resourceManager.get(`${id}?api-version=${VERSIONS.vault}`);
    }),
    alertRules: once(async () => {
      const path = `${group}/providers/Microsoft.Insights/scheduledQueryRules?api-version=${VERSIONS.rules}`;
      const rules = await own(await resourceManager.list(path));
      if (!('found' in rules)) return rules;
      return { found: rules.found.filter((rule) => member(rule, 'properties', 'enabled') !== false) };
    }),
    workspace: once(async () => {
      const component = await ofType('Microsoft.Insights/components', VERSIONS.insights);
      if (!('found' in component)) return component;
      const id = text(component.found, 'properties', 'WorkspaceResourceId');
      return resourceManager.get(`${id}?api-version=${VERSIONS.workspace}`);
    }),
    api,
    gatewayPrincipals: once(async () => {
      const service = await gateway();
      if (!('found' in service)) return service;
      const others = members(service.found, 'identity', 'userAssignedIdentities').map(([, each]) =>
        text(each, 'principalId'),
      );
      const ids = [text(service.found, 'identity', 'principalId'), ...others].filter((id) => id !== '');
      return ids.length === 0 ? { absent: true } : { found: ids };
    }),
    policy: once(async () => {
      const its = await api();
      if (!('found' in its)) return its;
      const path = `${text(its.found, 'id')}/policies/policy?format=rawxml&api-version=${VERSIONS.gateway}`;
      const answer = await resourceManager.get(path);
      return 'found' in answer ? { found: text(answer.found, 'properties', 'value') } : answer;
    }),
  };
}

function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | undefined;
  return () => (answer ??= ask());
}
