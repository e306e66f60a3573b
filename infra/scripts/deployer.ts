import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  ChainedTokenCredential,
  type TokenCredential,
} from '@azure/identity';

import { SetupError } from '../build/local-settings.ts';

/** Whoever is signed in to azd or, where nobody is, to the Azure CLI. */
export function deployer(tenantId: string | undefined): TokenCredential {
  const options = tenantId === undefined ? {} : { tenantId };
  return new ChainedTokenCredential(new AzureDeveloperCliCredential(options), new AzureCliCredential(options));
}

/**
 * The two tools are signed in each by itself. Where the Azure CLI works for another subscription than azd, what it makes
 * would belong to another deployment.
 *
 * @param environment with `AZURE_SUBSCRIPTION_ID` and `AZURE_TENANT_ID` where azd has called
 * @throws SetupError when they differ; a CLI that is absent or signed out cannot
 */
export async function checkSameSubscription(environment: NodeJS.ProcessEnv): Promise<void> {
  const { AZURE_SUBSCRIPTION_ID: expected, AZURE_TENANT_ID: tenant } = environment;
  if (!expected) return;
  const account = await promisify(execFile)('az', ['account', 'show', '--output', 'json'], {
    env: environment,
    shell: process.platform === 'win32',
  }).then(
    ({ stdout }) => JSON.parse(stdout) as { id?: string; tenantId?: string },
    () => undefined,
  );
  if (account?.id === undefined) return;
  if (tenant && account.tenantId !== undefined && account.tenantId !== tenant) {
    throw new SetupError(
      `azd works in the tenant ${tenant}, the Azure CLI in ${account.tenantId}.\nMake it the same: az login --tenant ${tenant}`,
    );
  }
  if (account.id === expected) return;
  throw new SetupError(
    `azd works in the subscription ${expected}, the Azure CLI in ${account.id}.\nMake it the same: az account set --subscription ${expected}`,
  );
}
