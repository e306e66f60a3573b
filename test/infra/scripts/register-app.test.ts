import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { directoryAt } from '../../../infra/scripts/graph.ts';
import { registerApp } from '../../../infra/scripts/register-app.ts';
import { type Graph, startGraph } from '../../emulators/azure/graph.ts';
import { azureCli, runScript } from './run-script.ts';

const TOKEN = 'graph-token';
const NAME = 'bedrock-proxy-prod';

let graph: Graph;
let pauses: number[];
let said: string[];

beforeEach(async () => {
  graph = await startGraph({ accepts: (token) => token === TOKEN });
  pauses = [];
  said = [];
});
afterEach(() => graph.close());

/** Scopes that a token was asked for. */
const scopes: string[] = [];
const credential = {
  async getToken(scope: string | string[]) {
    scopes.push(String(scope));
    return { token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 };
  },
};
const register = (clientId?: string, name = NAME) =>
  registerApp(
    { clientId, name },
    directoryAt(graph.url, credential),
    async (milliseconds) => void pauses.push(milliseconds),
    (line) => void said.push(line),
  );
const changes = () => graph.requests.filter(({ method }) => method !== 'GET').map(({ method }) => method);

describe('register-app', () => {
  it('makes a registration with version 2 tokens, its id URI and a service principal', async () => {
    const clientId = await register();
    expect(graph.applications.get(clientId)).toStrictEqual({
      appId: clientId,
      displayName: NAME,
      signInAudience: 'AzureADMyOrg',
      api: { requestedAccessTokenVersion: 2 },
      identifierUris: [`api://${clientId}`],
    });
    expect(graph.servicePrincipals).toStrictEqual(new Set([clientId]));
    expect(said).toStrictEqual([`Created the app registration ${NAME} (${clientId}).`]);
    expect(scopes.at(-1)).toBe(`${graph.url}/.default`);
  });

  it('changes nothing at a complete one', async () => {
    const clientId = await register();
    const before = changes().length;
    expect(await register()).toBe(clientId);
    expect(changes()).toHaveLength(before);
    expect(graph.applications.size).toBe(1);
  });

  it('completes one that was begun, and keeps the id URIs it has', async () => {
    const identifierUris = ['api://contoso', 'https://contoso.com/app'];
    const clientId = graph.add({ displayName: NAME, identifierUris });
    expect(await register()).toBe(clientId);
    expect(graph.applications.get(clientId)).toMatchObject({
      api: { requestedAccessTokenVersion: 2 },
      identifierUris: [...identifierUris, `api://${clientId}`],
    });
    expect(graph.servicePrincipals).toStrictEqual(new Set([clientId]));
  });

  it('takes the one it is told, without a search', async () => {
    const clientId = graph.add({ displayName: 'another' });
    expect(await register(clientId)).toBe(clientId);
    expect(graph.requests.filter(({ url }) => url.searchParams.has('$filter'))).toStrictEqual([]);
  });

  it('finds one whose name has a quotation mark', async () => {
    const clientId = graph.add({ displayName: "Contoso's proxy" });
    expect(await register(undefined, "Contoso's proxy")).toBe(clientId);
  });

  it('waits until the directory shows what it has just made', async () => {
    graph.lagFor(3);
    const clientId = await register();
    expect(pauses).toStrictEqual([5000, 5000, 5000]);
    expect(graph.applications.get(clientId)?.identifierUris).toStrictEqual([`api://${clientId}`]);
  });

  it('gives up after a minute, in the words of Graph', async () => {
    graph.lagFor(1000);
    await expect(register()).rejects.toThrow('The directory does not have the registration.');
    expect(pauses).toHaveLength(11);
  });

  it('stops at an error that waiting does not help', async () => {
    graph.add({ displayName: NAME });
    graph.refuse(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
    await expect(register()).rejects.toThrow('403 Authorization_RequestDenied: Insufficient privileges');
    expect(pauses).toStrictEqual([]);
  });

  it('does not choose among several of the same name', async () => {
    graph.add({ displayName: NAME });
    graph.add({ displayName: NAME });
    await expect(register()).rejects.toThrow('choose one by PROXY_APP_CLIENT_ID');
    expect(changes()).toStrictEqual([]);
  });
});

describe('the script', () => {
  const environment = () => ({ AZURE_ENV_NAME: 'prod', MICROSOFT_GRAPH_URL: graph.url });

  it('prints the client id, and keeps it in the environment of azd', async () => {
    const azd = { 'env set PROXY_APP_CLIENT_ID': '' };
    const run = await runScript('register-app.ts', { env: environment(), commands: { az: azureCli(TOKEN), azd } });
    const [clientId = ''] = graph.applications.keys();
    expect([run.status, run.stdout]).toStrictEqual([0, `${clientId}\n`]);
    expect(run.stderr).toBe(`Created the app registration ${NAME} (${clientId}).\n`);
  });

  it('says when azd has not kept it', async () => {
    const run = await runScript('register-app.ts', { env: environment(), commands: { az: azureCli(TOKEN), azd: {} } });
    expect(run.status).toBe(0);
    expect(run.stderr).toContain('azd env set PROXY_APP_CLIENT_ID');
  });

  it('asks nobody about a client id that is given: a pipeline needs no right in the directory', async () => {
    const env = { ...environment(), PROXY_APP_CLIENT_ID: 'given' };
    expect(await runScript('register-app.ts', { env })).toStrictEqual({ status: 0, stdout: 'given\n', stderr: '' });
    expect(graph.requests).toStrictEqual([]);
  });

  it('does nothing when callers show a function key', async () => {
    const env = { ...environment(), CALLER_AUTH: 'functionKey' };
    expect(await runScript('register-app.ts', { env })).toStrictEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('stops where the Azure CLI works for another subscription than azd', async () => {
    const commands = { az: { 'account show': '{"id": "other"}' } };
    const run = await runScript('register-app.ts', {
      env: { ...environment(), AZURE_SUBSCRIPTION_ID: 'one' },
      commands,
    });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain('az account set --subscription one');
    expect(graph.requests).toStrictEqual([]);
  });

  it('stops where the Azure CLI is signed in to another tenant than azd', async () => {
    const commands = { az: { 'account show': '{"id": "one", "tenantId": "other"}' } };
    const run = await runScript('register-app.ts', {
      env: { ...environment(), AZURE_SUBSCRIPTION_ID: 'one', AZURE_TENANT_ID: 'mine' },
      commands,
    });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toContain('az login --tenant mine');
    expect(graph.requests).toStrictEqual([]);
  });

  it('says in a sentence that nobody is signed in', async () => {
    const run = await runScript('register-app.ts', { env: environment() });
    expect(run).toMatchObject({ status: 1, stdout: '' });
    expect(run.stderr).toMatch(/Azure CLI could not be found|az login|azd auth login/);
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });
});
