import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';

import type { LoadCredentials } from './cache.ts';
import { checkedKeys, parseSecret } from './secret.ts';
import { VaultError } from './vault-error.ts';

export interface VaultOptions {
  readonly uri: string;
  /** One secret that holds JSON, or the two secrets of the older layout. */
  readonly secrets: { readonly json: string } | { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Client id of a user-assigned identity; absent: the system-assigned one. */
  readonly identityClientId?: string;
  /** True where the platform offers a managed identity (App Service sets `IDENTITY_ENDPOINT`). */
  readonly managedIdentity: boolean;
}

/**
 * Reads the AWS keys from Key Vault, as the managed identity of the function app or, outside Azure, as whoever
 * `DefaultAzureCredential` finds (Azure CLI, environment, …). The SDKs' own retries are off: the cache before this
 * decides when to read again, and a caller that waits would only wait longer.
 */
export function createVaultReader(options: VaultOptions): LoadCredentials {
  // Accepted by the configuration for loopback addresses only: the SDK insists on TLS and on the service's own domain.
  const insecure = options.uri.startsWith('http:');
  const client = new SecretClient(options.uri, identityOf(options), {
    retryOptions: { maxRetries: 0 },
    ...(insecure ? { allowInsecureConnection: true, disableChallengeResourceVerification: true } : {}),
  });

  const readSecret = async (name: string, abortSignal: AbortSignal): Promise<string> => {
    const secret = await client.getSecret(name, { abortSignal }).catch((cause: unknown) => {
      throw new VaultError(`Secret ${name} could not be read`, { cause, retryAfterSeconds: retryAfterOf(cause) });
    });
    return secret.value ?? '';
  };

  return async (signal) => {
    if ('json' in options.secrets) return parseSecret(await readSecret(options.secrets.json, signal));
    const { accessKeyId, secretAccessKey } = options.secrets;
    const values = await Promise.all([readSecret(accessKeyId, signal), readSecret(secretAccessKey, signal)]);
    return checkedKeys({ accessKeyId: values[0].trim(), secretAccessKey: values[1].trim() });
  };
}

function identityOf({ managedIdentity, identityClientId }: VaultOptions): TokenCredential {
  const retryOptions = { maxRetries: 0 };
  if (managedIdentity) {
    return identityClientId === undefined
      ? new ManagedIdentityCredential({ retryOptions })
      : new ManagedIdentityCredential({ clientId: identityClientId, retryOptions });
  }
  return new DefaultAzureCredential({
    retryOptions,
    ...(identityClientId === undefined ? {} : { managedIdentityClientId: identityClientId }),
  });
}

function retryAfterOf(error: unknown): number | undefined {
  const response: unknown = typeof error === 'object' && error !== null && 'response' in error ? error.response : null;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const headers = response.headers as { get?: (name: string) => string | undefined };
  const value = headers.get?.('retry-after');
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : undefined;
}
