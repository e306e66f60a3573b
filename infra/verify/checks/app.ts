import { readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/reader.ts';
import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { list, number, text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, warning } from '../finding.ts';

/** What Flex Consumption does not take, or what takes the place of the package that was deployed. */
const FORBIDDEN = [
  'FUNCTIONS_WORKER_RUNTIME',
  'FUNCTIONS_WORKER_RUNTIME_VERSION',
  'FUNCTIONS_EXTENSION_VERSION',
  'WEBSITE_RUN_FROM_PACKAGE',
  'WEBSITE_NODE_DEFAULT_VERSION',
  'WEBSITE_CONTENTSHARE',
  'SCM_DO_BUILD_DURING_DEPLOYMENT',
  'AzureWebJobsStorage',
];

export const app: Check = {
  id: '4',
  title: 'The function app runs, with settings that it can read',
  layer: 'Azure',
  needs: ['3'],
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const site = present(await deployed.site(), 'the function app', 'azd up');
    const state = text(site, 'properties', 'state');
    if (state !== 'Running') {
      const start = `az functionapp start --name ${text(site, 'name')} --resource-group ${deployed.place.group}`;
      return failed(`${text(site, 'name')} is ${state || 'in no known state'}`, start);
    }
    const settings = present(await deployed.settings(), 'the settings', 'azd provision');
    const forbidden = FORBIDDEN.filter((name) => settings[name] !== undefined);
    if (forbidden.length > 0) {
      return failed(
        `Flex Consumption does not take the setting ${forbidden.join(', ')}`,
        'Take it out of the settings of the app (az functionapp config appsettings delete), then azd provision',
      );
    }
    const problems = problemsIn(settings);
    if (problems !== '')
      return failed(problems, 'Mend the settings that it names (src/config/README.md), then azd provision');
    const { version, isOffered } = await runtime(deployed, site);
    if (!isOffered) {
      return failed(
        `Node.js ${version} is not offered for Flex Consumption in ${text(site, 'location')}`,
        'azd env set PROXY_NODE_VERSION to one of: az functionapp list-flexconsumption-runtimes --runtime node --location …',
      );
    }
    const warm = warmInstances(site);
    const found = `${text(site, 'name')} is Running, Node.js ${version}, ${warm} instances kept warm, ${strategy(site)}`;
    if (warm !== 1) return ok(found);
    return warning(
      found,
      'The platform replaces a single warm instance now and then: azd env set ALWAYS_READY_INSTANCES 2',
    );
  },
};

/** What the app itself would say of its settings: it names them, and no value. */
function problemsIn(settings: Readonly<Record<string, string>>): string {
  try {
    return readConfig(settings).telemetryProblems.join('; ');
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

function warmInstances(site: unknown): number {
  const groups = list(site, 'properties', 'functionAppConfig', 'scaleAndConcurrency', 'alwaysReady');
  return groups.reduce<number>((sum, each) => sum + (number(each, 'instanceCount') ?? 0), 0);
}

function strategy(site: unknown): string {
  const type = text(site, 'properties', 'functionAppConfig', 'siteUpdateStrategy', 'type');
  return type === 'RollingUpdate' ? 'rolling updates' : 'updates end running streams';
}

/** Whether the region still has the version; where that cannot be looked up, it runs. */
async function runtime({ resourceManager }: Deployed, site: unknown): Promise<{ version: string; isOffered: boolean }> {
  const version = text(site, 'properties', 'functionAppConfig', 'runtime', 'version');
  const region = text(site, 'location').replaceAll(' ', '').toLowerCase();
  const path = `/providers/Microsoft.Web/locations/${region}/functionAppStacks?stack=node&removeHiddenStacks=true`;
  const stacks = await resourceManager.list(`${path}&api-version=${VERSIONS.stacks}`);
  if (!('found' in stacks)) return { version, isOffered: true };
  const offered = stacks.found
    .flatMap((stack) => list(stack, 'properties', 'majorVersions'))
    .flatMap((major) => list(major, 'minorVersions'))
    .flatMap((minor) => list(minor, 'stackSettings', 'linuxRuntimeSettings', 'Sku'))
    .map((sku) => text(sku, 'functionAppConfigProperties', 'runtime', 'version'));
  return { version, isOffered: offered.length === 0 || offered.includes(version) };
}
