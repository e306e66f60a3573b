import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createEndpoint, type Endpoint } from '../endpoint.ts';
import type { Azure } from './azure.ts';
import { createDeployed, type Deployed, type Place } from './deployed.ts';
import { members, same, text } from './json.ts';
import type { Look } from './look.ts';
import { createAzureApi, type GetToken } from './resource-manager.ts';
import type { RunTool } from './tools.ts';

const root = join(import.meta.dirname, '../../..');

/** Where the deployment is, when it is not that of azd's environment, and what should be deployed. */
export interface GivenPlace {
  readonly group: string | undefined;
  readonly gatewayId: string | undefined;
  readonly package?: string | undefined;
}

/** For an answer of a host of the deployment, to somebody whom it does not let in. */
const VISIT_MS = 20_000;

/** Finds out who is signed in, and where the deployment of this endpoint is. Never throws. */
export async function lookAtAzure(endpoint: Endpoint, given: GivenPlace, run: RunTool): Promise<Azure> {
  const [az, azd, account, cloud, values] = await Promise.all([
    run('az', ['version']),
    run('azd', ['version']),
    run('az', ['account', 'show']),
    run('az', ['cloud', 'show']),
    run('azd', ['env', 'get-values']),
  ]);
  const environment = environmentOf(values, endpoint);
  const place = placeOf({ endpoint, given, environment, account });
  return {
    ...('found' in environment ? { environment: environment.found } : {}),
    tools: { az: objectIn(az), azd: objectIn(azd) },
    account: objectIn(account),
    deployed: 'found' in place ? { found: reach(place.found, cloud, run, 'found' in account) } : place,
    visit: (url) => {
      const stranger = createEndpoint(new URL(url), { key: '', timeoutMs: VISIT_MS, onAnswer: () => {} });
      return stranger.ask({ path: '' });
    },
    localPackage: () => readFile(given.package ?? join(root, 'dist/package.zip')).catch(() => undefined),
  };
}

function objectIn(look: Look<unknown>): Look<Readonly<Record<string, unknown>>> {
  return 'found' in look ? { found: Object.fromEntries(members(look.found)) } : look;
}

/** azd's values, if they are of the deployment that has this URL. */
function environmentOf(values: Look<unknown>, { url }: Endpoint): Look<Readonly<Record<string, string>>> {
  if (!('found' in values)) return 'why' in values ? { why: 'azd has no environment here' } : values;
  const environment = Object.fromEntries(members(values.found).map(([name, value]) => [name, String(value)]));
  const its = (environment['BEDROCK_API_URL'] ?? '').replace(/\/+$/, '');
  if (same(its, url)) return { found: environment };
  const name = environment['AZURE_ENV_NAME'] ?? '';
  return { why: `azd's environment ${name} is of ${its === '' ? 'nothing that is deployed' : its}, not of this URL` };
}

interface Known {
  readonly endpoint: Endpoint;
  readonly given: GivenPlace;
  readonly environment: Look<Readonly<Record<string, string>>>;
  readonly account: Look<unknown>;
}

function placeOf({ endpoint, given, environment, account }: Known): Look<Place> {
  const values = 'found' in environment ? environment.found : {};
  const group = given.group ?? values['AZURE_RESOURCE_GROUP'];
  const signedInTo = 'found' in account ? text(account.found, 'id') : '';
  const subscriptionId = values['AZURE_SUBSCRIPTION_ID'] ?? signedInTo;
  if (group === undefined || group === '') {
    const why = 'why' in environment ? environment.why : 'azd is not there';
    return { why: `${why}; --group and --gateway name the deployment` };
  }
  if (signedInTo === '' && 'absent' in account && !('found' in environment)) return { why: 'az is not there' };
  if (subscriptionId === '') return { why: 'nobody is signed in: az login' };
  const gatewayId = given.gatewayId ?? gatewayOf(values, subscriptionId);
  const apiPath = endpoint.path.replace(/^\/+/, '');
  const { AZURE_KEY_VAULT_NAME: vaultName, AZURE_ENV_NAME: environmentName } = values;
  const isOfGroup = same(group, values['AZURE_RESOURCE_GROUP'] ?? group);
  return {
    found: {
      subscriptionId,
      group,
      apiPath,
      ...(gatewayId === undefined ? {} : { gatewayId }),
      ...(environmentName === undefined || !isOfGroup ? {} : { environmentName }),
      ...(vaultName === undefined ? {} : { vaultName }),
    },
  };
}

function gatewayOf(values: Readonly<Record<string, string>>, subscriptionId: string): string | undefined {
  const { APIM_NAME: name, APIM_RESOURCE_GROUP: group, APIM_SUBSCRIPTION_ID: subscription } = values;
  if (!name || !group) return undefined;
  const scope = `/subscriptions/${subscription || subscriptionId}/resourceGroups/${group}`;
  return `${scope}/providers/Microsoft.ApiManagement/service/${name}`;
}

/** The APIs of the cloud that `az` is signed in to; Azure's public one by default. */
function reach(place: Place, cloud: Look<unknown>, run: RunTool, hasAz: boolean): Deployed {
  const endpoints = 'found' in cloud ? cloud.found : {};
  const at = (name: string, fallback: string) => (text(endpoints, 'endpoints', name) || fallback).replace(/\/+$/, '');
  const api = (origin: string, resource = origin) => createAzureApi(origin, tokenFor(resource, run, hasAz));
  const logs = at('logAnalyticsResourceId', 'https://api.loganalytics.io');
  return createDeployed(place, {
    resourceManager: api(at('resourceManager', 'https://management.azure.com')),
    logAnalytics: api(logs),
    graph: api(at('microsoftGraphResourceId', 'https://graph.microsoft.com')),
    storage: (origin) => api(origin, 'https://storage.azure.com'),
  });
}

/** Asks once: by `az`, or, where nobody is signed in there, by `azd`. */
function tokenFor(resource: string, run: RunTool, hasAz: boolean): GetToken {
  let token: Promise<Look<string>> | undefined;
  return () => (token ??= hasAz ? byAz(resource, run) : byAzd(resource, run));
}

async function byAz(resource: string, run: RunTool): Promise<Look<string>> {
  const answer = await run('az', ['account', 'get-access-token', '--resource', resource]);
  return 'found' in answer ? tokenIn(text(answer.found, 'accessToken')) : answer;
}

async function byAzd(resource: string, run: RunTool): Promise<Look<string>> {
  const answer = await run('azd', ['auth', 'token', '--scope', `${resource}/.default`]);
  return 'found' in answer ? tokenIn(text(answer.found, 'token')) : answer;
}

function tokenIn(token: string): Look<string> {
  return token === '' ? { why: 'there is no token of Azure' } : { found: token };
}
