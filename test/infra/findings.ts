import { at, type Expansion, ofType, type Resource } from './expand.ts';

/** What a review of the deployment has found, as it must be now, and the mistake that would bring it back. */
export interface FindingOfReview {
  readonly id: string;
  readonly what: string;
  /** Name of the parameter file. */
  readonly deployment: string;
  readonly holds: (expansion: Expansion) => boolean;
  /** Undoes it in a copy. */
  readonly mistake: (expansion: Expansion) => void;
}

const APIM = 'Microsoft.ApiManagement/service';
const SITE = 'Microsoft.Web/sites';
const STORAGE = 'Microsoft.Storage/storageAccounts';
const NETWORK = 'Microsoft.Network/virtualNetworks';

type Path = readonly (string | number)[];

/** The first resource of the type, and of the name where one is given. */
function first(expansion: Expansion, type: string, name = ''): Resource | undefined {
  return ofType(expansion, type).find((resource) => resource.name.includes(name));
}

/** Puts a value into a resource, or takes it out. */
function put(expansion: Expansion, type: string, path: Path, value?: unknown, name = ''): void {
  const parent = at(first(expansion, type, name), ...path.slice(0, -1));
  if (typeof parent !== 'object' || parent === null) throw new Error(`${type} has no ${path.join('.')}.`);
  if (value === undefined) Reflect.deleteProperty(parent, path.at(-1) ?? '');
  else Object.assign(parent, { [path.at(-1) ?? '']: value });
}

/** Takes all resources of a type out, and those of the name only, where one is given. */
function drop(expansion: Expansion, type: string, name = ''): void {
  const all = expansion.predictedResources as Resource[];
  const kept = all.filter((resource) => resource.type !== type || !resource.name.includes(name));
  all.splice(0, all.length, ...kept);
}

function add(expansion: Expansion, type: string): void {
  (expansion.predictedResources as Resource[]).push({ id: '/x', type, name: 'planted' });
}

function settingOf(expansion: Expansion, name: string): string | undefined {
  const all = at(first(expansion, SITE), 'properties', 'siteConfig', 'appSettings') as {
    name: string;
    value: string;
  }[];
  return all.find((setting) => setting.name === name)?.value;
}

function setSetting(expansion: Expansion, name: string, value: string): void {
  const all = at(first(expansion, SITE), 'properties', 'siteConfig', 'appSettings') as {
    name: string;
    value: string;
  }[];
  for (const setting of all) if (setting.name === name) setting.value = value;
}

const has =
  (type: string, name = '') =>
  (expansion: Expansion) =>
    first(expansion, type, name) !== undefined;
const hasNo =
  (...types: readonly string[]) =>
  (expansion: Expansion) =>
    types.every((type) => first(expansion, type) === undefined);

/** A value of the first resource of a type: that it is this, and the mistake of another. */
function valueIs(type: string, path: Path, right: unknown, wrong?: unknown, name = '') {
  return {
    holds: (expansion: Expansion) =>
      JSON.stringify(at(first(expansion, type, name), ...path)) === JSON.stringify(right),
    mistake: (expansion: Expansion) => put(expansion, type, path, wrong, name),
  };
}

/** A setting of the app: that it is this, and the mistake of another. */
function settingIs(name: string, right: string, wrong: string) {
  return {
    holds: (expansion: Expansion) => settingOf(expansion, name) === right,
    mistake: (expansion: Expansion) => setSetting(expansion, name, wrong),
  };
}

function there(type: string, name = '') {
  return { holds: has(type, name), mistake: (expansion: Expansion) => drop(expansion, type, name) };
}

function notThere(...types: readonly string[]) {
  return { holds: hasNo(...types), mistake: (expansion: Expansion) => add(expansion, types[0] ?? '') };
}

const flex: Path = ['properties', 'functionAppConfig'];

export const FINDINGS: readonly FindingOfReview[] = [
  {
    id: 'I-05',
    what: 'streams may end before an instance is replaced',
    deployment: 'vnet',
    ...valueIs(SITE, [...flex, 'siteUpdateStrategy'], { type: 'RollingUpdate' }),
  },
  {
    id: 'I-07',
    what: 'the host samples by a fixed percentage, not five traces a second',
    deployment: 'existing-apim',
    ...settingIs('OTEL_TRACES_SAMPLER', 'microsoft.fixed_percentage', 'microsoft.rate_limited'),
  },
  {
    id: 'I-08',
    what: 'bearer keys are put by a version that keeps them',
    deployment: 'existing-apim',
    ...valueIs(`${APIM}/apis`, ['apiVersion'], '2025-03-01-preview', '2024-05-01'),
  },
  {
    id: 'I-10',
    what: 'the backend is guarded by the owner of the API',
    deployment: 'existing-apim',
    holds: (expansion) =>
      /equals\(.*owner.*fail\(/.test(String(at(first(expansion, `${APIM}/backends`), 'properties', 'resourceId'))) &&
      has(`${APIM}/namedValues`, '-owner')(expansion),
    mistake: (expansion) => put(expansion, `${APIM}/backends`, ['properties', 'resourceId'], '/subscriptions/x'),
  },
  {
    id: 'I-11',
    what: 'failures that the gateway counts are told of',
    deployment: 'new-apim',
    ...there('Microsoft.Insights/metricAlerts', 'gateway-failures'),
  },
  {
    id: 'I-11',
    what: '/health is asked from outside',
    deployment: 'new-apim',
    ...there('Microsoft.Insights/webtests'),
  },
  {
    id: 'I-14',
    what: 'without a key there is no vault',
    deployment: 'keyless',
    ...notThere('Microsoft.KeyVault/vaults', 'Microsoft.EventGrid/systemTopics'),
  },
  {
    id: 'M-01',
    what: 'the gateway is sampled as it is told',
    deployment: 'landing-zone',
    ...valueIs(`${APIM}/apis/diagnostics`, ['properties', 'sampling', 'percentage'], 10, 100),
  },
  {
    id: 'M-02',
    what: 'the log is kept for 90 days',
    deployment: 'existing-apim',
    ...valueIs('Microsoft.OperationalInsights/workspaces', ['properties', 'retentionInDays'], 90, 30),
  },
  {
    id: 'M-02',
    what: 'audit logs go where they are asked for',
    deployment: 'landing-zone',
    ...there('Microsoft.Insights/diagnosticSettings'),
  },
  {
    id: 'M-03',
    what: 'nobody is named where it is asked for',
    deployment: 'landing-zone',
    ...settingIs('CALLER_NAMES', 'none', 'full'),
  },
  {
    id: 'M-04',
    what: 'subnets are children of the network',
    deployment: 'vnet',
    holds: (expansion) => at(first(expansion, NETWORK), 'properties', 'subnets') === undefined,
    mistake: (expansion) => put(expansion, NETWORK, ['properties', 'subnets'], []),
  },
  {
    id: 'M-04',
    what: 'each subnet has a security group',
    deployment: 'vnet',
    holds: (expansion) =>
      ofType(expansion, `${NETWORK}/subnets`).every(
        (subnet) => at(subnet, 'properties', 'networkSecurityGroup', 'id') !== undefined,
      ),
    mistake: (expansion) => put(expansion, `${NETWORK}/subnets`, ['properties', 'networkSecurityGroup']),
  },
  {
    id: 'M-04',
    what: 'what is given is not made',
    deployment: 'landing-zone',
    ...notThere(NETWORK, 'Microsoft.Network/natGateways', 'Microsoft.Network/privateDnsZones'),
  },
  {
    id: 'M-05',
    what: 'the plan spans zones',
    deployment: 'landing-zone',
    ...valueIs('Microsoft.Web/serverfarms', ['properties', 'zoneRedundant'], true, false),
  },
  {
    id: 'M-05',
    what: 'storage spans zones',
    deployment: 'landing-zone',
    ...valueIs(STORAGE, ['sku', 'name'], 'Standard_ZRS', 'Standard_LRS'),
  },
  {
    id: 'M-05',
    what: 'nobody deletes by mistake',
    deployment: 'landing-zone',
    ...there('Microsoft.Authorization/locks'),
  },
  {
    id: 'M-06',
    what: 'the end of the secret is told of',
    deployment: 'new-apim',
    ...there('Microsoft.EventGrid/systemTopics/eventSubscriptions'),
  },
  {
    id: 'M-07',
    what: 'without addresses of the gateway there is no deployment',
    deployment: 'existing-apim',
    holds: (expansion) =>
      String(at(first(expansion, SITE), 'properties', 'siteConfig', 'ipSecurityRestrictions')).includes('fail('),
    mistake: (expansion) => put(expansion, SITE, ['properties', 'siteConfig', 'ipSecurityRestrictions'], []),
  },
  {
    id: 'M-08',
    what: 'a pool has a first and a second choice',
    deployment: 'pool',
    holds: (expansion) => {
      const all = at(first(expansion, `${APIM}/backends`, '-pool'), 'properties', 'pool', 'services');
      return (
        JSON.stringify((all as { priority: number; weight: number }[]).map(({ priority }) => priority)) === '[1,2]'
      );
    },
    mistake: (expansion) =>
      put(expansion, `${APIM}/backends`, ['properties', 'pool', 'services', 1, 'priority'], 1, '-pool'),
  },
  {
    id: 'M-09',
    what: 'a group that is given is not made',
    deployment: 'group',
    ...notThere('Microsoft.Resources/resourceGroups'),
  },
  {
    id: 'M-10',
    what: 'versions of the package are kept',
    deployment: 'existing-apim',
    ...valueIs(`${STORAGE}/blobServices`, ['properties', 'isVersioningEnabled'], true, false),
  },
  {
    id: 'M-12',
    what: 'a function key is kept as a secret',
    deployment: 'function-key',
    ...valueIs(`${APIM}/namedValues`, ['properties', 'secret'], true, false, '-proxy-key'),
  },
  {
    id: 'L-04',
    what: 'a new instance refuses old versions of its API',
    deployment: 'new-apim',
    holds: (expansion) =>
      typeof at(first(expansion, APIM), 'properties', 'apiVersionConstraint', 'minApiVersion') === 'string',
    mistake: (expansion) => put(expansion, APIM, ['properties', 'apiVersionConstraint']),
  },
  {
    id: 'L-06',
    what: 'deployers come from the addresses that are given',
    deployment: 'landing-zone',
    ...valueIs(SITE, ['properties', 'siteConfig', 'scmIpSecurityRestrictionsDefaultAction'], 'Deny', 'Allow'),
  },
  {
    id: 'L-12',
    what: 'tags of the owner are on the app',
    deployment: 'group',
    ...valueIs(SITE, ['tags', 'costCentre'], '4711'),
  },
  {
    id: 'L-13',
    what: 'the app has the name that is given',
    deployment: 'group',
    ...valueIs(SITE, ['name'], 'func-contoso-bedrock-prod', 'func-abc'),
  },
];
