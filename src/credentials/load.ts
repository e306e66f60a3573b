import type { AwsCredentials } from '../aws/credentials.ts';
import { cachedCredentials, type CacheOptions } from './cache.ts';
import type { VaultOptions } from './key-vault.ts';
import { type CredentialsProvider, fixedCredentials } from './provider.ts';

/** Where the AWS keys come from. */
export type CredentialsOptions =
  | { readonly source: 'environment'; readonly keys: AwsCredentials }
  | { readonly source: 'keyVault'; readonly vault: VaultOptions; readonly refreshSeconds: number };

/**
 * The keys from the source that the options name. The Azure SDKs are a bundle of their own; they load while the host is
 * still starting.
 *
 * @param onFailure told of every failed reading
 */
export function loadCredentials(
  options: CredentialsOptions,
  onFailure: CacheOptions['onFailure'],
): CredentialsProvider {
  if (options.source === 'environment') return fixedCredentials(options.keys);
  const reader = import('./key-vault.ts').then(({ createVaultReader }) => createVaultReader(options.vault));
  return cachedCredentials(async (signal) => (await reader)(signal), {
    refreshMs: 1000 * options.refreshSeconds,
    onFailure,
  });
}
