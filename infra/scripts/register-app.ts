import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';

import { SetupError } from '../build/local-settings.ts';
import { checkSameSubscription, deployer } from './deployer.ts';
import { type Application, type Directory, directoryAt, GraphError } from './graph.ts';
import { type Pause, required, run, type Say, say } from './run.ts';

/** The directory answers from several copies: what has just been made is not in each of them for up to a minute. */
const ATTEMPTS = 12;
const PAUSE_MS = 5000;

export interface Registration {
  /** Client id of a registration that is there. */
  readonly clientId?: string | undefined;
  /** Of the one to find or to make, without a client id. */
  readonly name: string;
}

/**
 * Makes the app registration that stands for the function, or completes one that is there: version 2 tokens, the
 * application id URI `api://<client id>`, and a service principal. The gateway's identity asks for tokens to it; it needs
 * no secret, no permission and no consent. May run any number of times.
 *
 * @returns the client id
 * @throws SetupError when several have the name; GraphError with what Graph has refused
 */
export async function registerApp(
  { clientId, name }: Registration,
  directory: Directory,
  pause: Pause,
  tell: Say,
): Promise<string> {
  const appId = clientId ?? (await findOrCreate(name, directory, tell));
  const visible = () => whenVisible(() => directory.application(appId).then((found) => found ?? notFound()), pause);
  const { api, identifierUris } = await visible();
  if (api.requestedAccessTokenVersion !== 2) {
    const change = { api: { requestedAccessTokenVersion: 2 } };
    await whenVisible(() => directory.update(appId, change), pause);
  }
  const uri = `api://${appId}`;
  if (!identifierUris.includes(uri)) {
    await whenVisible(() => directory.update(appId, { identifierUris: [...identifierUris, uri] }), pause);
  }
  if (!(await directory.hasServicePrincipal(appId))) {
    await whenVisible(() => directory.createServicePrincipal(appId), pause);
  }
  return appId;
}

async function findOrCreate(name: string, directory: Directory, tell: Say): Promise<string> {
  const found: readonly Application[] = await directory.named(name);
  if (found.length > 1) {
    throw new SetupError(`More than one registration is named ${name}: choose one by PROXY_APP_CLIENT_ID.`);
  }
  if (found[0] !== undefined) return found[0].appId;
  const { appId } = await directory.create(name);
  tell(`Created the app registration ${name} (${appId}).`);
  return appId;
}

function notFound(): never {
  throw new GraphError(404, 'The directory does not have the registration.');
}

async function whenVisible<T>(attempt: () => Promise<T>, pause: Pause): Promise<T> {
  for (let left = ATTEMPTS - 1; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      // Creating a principal for an application that is not there yet is a bad request.
      const isYoung =
        error instanceof GraphError && (error.status === 404 || /does not (?:exist|reference)/.test(error.message));
      if (!isYoung || left === 0) throw error;
      await pause(PAUSE_MS);
    }
  }
}

const USAGE = `node infra/scripts/register-app.ts [--complete]

Prints the client id (parameter proxyAppClientId). Under azd it is kept as
PROXY_APP_CLIENT_ID of the environment.

  AZURE_ENV_NAME       the registration's name is bedrock-proxy-<this>, unless
  PROXY_APP_NAME       gives another one
  PROXY_APP_CLIENT_ID  a registration that is there: taken as it is, so that a
                       pipeline needs no rights in the directory
  --complete           looks at that one too, and adds what it lacks
  CALLER_AUTH          functionKey: nothing is done, no registration is needed
  AZURE_TENANT_ID      the tenant, where you are signed in to several
  MICROSOFT_GRAPH_URL  of a national cloud`;

async function main(pause: Pause): Promise<void> {
  const { values } = parseArgs({ options: { complete: { type: 'boolean' }, help: { type: 'boolean' } } });
  const { env } = process;
  if (values.help) return say(USAGE);
  if ((env['CALLER_AUTH'] || 'entra') !== 'entra') return;
  let clientId = env['PROXY_APP_CLIENT_ID'] || undefined;
  if (clientId === undefined || values.complete) {
    await checkSameSubscription(env);
    const name =
      env['PROXY_APP_NAME'] ||
      `bedrock-proxy-${clientId ?? required(env, 'AZURE_ENV_NAME', 'the name of the environment')}`;
    const directory = directoryAt(
      env['MICROSOFT_GRAPH_URL'] || 'https://graph.microsoft.com',
      deployer(env['AZURE_TENANT_ID'] || undefined),
    );
    clientId = await registerApp({ clientId, name }, directory, pause, say);
    await tellAzd(clientId);
  }
  console.log(clientId);
}

/** Keeps the client id in azd's environment, where there is one. */
async function tellAzd(clientId: string): Promise<void> {
  const environment = process.env['AZURE_ENV_NAME'];
  if (!environment) return;
  const args = ['env', 'set', 'PROXY_APP_CLIENT_ID', clientId, '--environment', environment];
  await promisify(execFile)('azd', args, { shell: process.platform === 'win32' }).catch(
    (error: NodeJS.ErrnoException) => {
      // Without azd there is nothing that could keep it; whoever calls reads what is printed.
      if (error.code !== 'ENOENT') say(`azd has not kept the client id: azd env set PROXY_APP_CLIENT_ID ${clientId}`);
    },
  );
}

if (import.meta.main) await run(main);
