import type { TokenCredential } from '@azure/identity';

import { SetupError } from '../build/local-settings.ts';
import { deployer } from './deployer.ts';
import { type Pause, required, run, type Say, say } from './run.ts';

/** Of the subnet's delegation. Azure registers by itself what a template deploys, and of this one it names no more. */
const NAMESPACE = 'Microsoft.App';
const API_VERSION = '2021-04-01';
const ATTEMPTS = 60;
const PAUSE_MS = 5000;

export interface ProviderAccess {
  /** Of Azure Resource Manager: `https://management.azure.com`, or that of a national cloud. */
  readonly url: string;
  readonly subscriptionId: string;
  readonly credential: TokenCredential;
}

/**
 * Registers the resource provider whose subnets a function app in a network needs, and waits until it is.
 *
 * @throws SetupError where whoever is signed in may not
 */
export async function registerProvider(
  { url, subscriptionId, credential }: ProviderAccess,
  pause: Pause,
  tell: Say,
): Promise<void> {
  const provider = `${url}/subscriptions/${subscriptionId}/providers/${NAMESPACE}`;
  const call = async (method: string, path: string): Promise<string> => {
    const { token } = (await credential.getToken(`${url}/.default`)) ?? { token: '' };
    const response = await fetch(`${provider}${path}?api-version=${API_VERSION}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
    });
    const answer = (await response.json()) as { registrationState?: string; error?: { message?: string } };
    if (response.ok) return answer.registrationState ?? '';
    throw new SetupError(
      `${NAMESPACE} could not be registered: ${answer.error?.message ?? response.status}\n` +
        `Somebody with the right to (Contributor of the subscription) runs:\n  az provider register --namespace ${NAMESPACE} --wait`,
    );
  };

  let state = await call('GET', '');
  if (state === 'Registered') return;
  tell(
    `The resource provider ${NAMESPACE} is not registered in this subscription. Registering it, which takes a minute or two.`,
  );
  state = await call('POST', '/register');
  for (let left = ATTEMPTS; state !== 'Registered'; left -= 1) {
    if (left === 0) throw new SetupError(`${NAMESPACE} is still ${state}. Run this again in some minutes.`);
    await pause(PAUSE_MS);
    state = await call('GET', '');
  }
}

const USAGE = `node infra/scripts/register-providers.ts

Registers the resource provider Microsoft.App, which a deployment in a virtual
network needs.

  VNET_ENABLED           anything but true: nothing is done
  AZURE_SUBSCRIPTION_ID  the subscription, as azd sets it
  AZURE_TENANT_ID        the tenant, where you are signed in to several
  AZURE_MANAGEMENT_URL   of a national cloud`;

async function main(pause: Pause): Promise<void> {
  const { env } = process;
  if (process.argv.includes('--help')) return say(USAGE);
  if (env['VNET_ENABLED'] !== 'true') return undefined;
  const access = {
    url: env['AZURE_MANAGEMENT_URL'] || 'https://management.azure.com',
    subscriptionId: required(env, 'AZURE_SUBSCRIPTION_ID', 'the subscription'),
    credential: deployer(env['AZURE_TENANT_ID'] || undefined),
  };
  return registerProvider(access, pause, say);
}

if (import.meta.main) await run(main);
