import { SecretClient } from '@azure/keyvault-secrets';

import { readAgainIfBroken } from './broken-connection.ts';
import type { LoadCredentials } from './cache.ts';
import { identityOf, type IdentityOptions } from './identity.ts';
import { checkedKeys, parseSecret } from './secret.ts';
import { VaultError } from './vault-error.ts';

export interface VaultOptions extends IdentityOptions {
  readonly uri: string;
  /** One secret that holds JSON, or the two secrets of the older layout. */
  readonly secrets: { readonly json: string } | { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * Reads the AWS keys from Key Vault. The SDKs' own retries are off: but for a broken connection, the cache before this
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

  return readAgainIfBroken(async (signal) => {
    if ('json' in options.secrets) return parseSecret(await readSecret(options.secrets.json, signal));
    const { accessKeyId, secretAccessKey } = options.secrets;
    const values = await Promise.all([readSecret(accessKeyId, signal), readSecret(secretAccessKey, signal)]);
    return checkedKeys({ accessKeyId: values[0].trim(), secretAccessKey: values[1].trim() });
  });
}

function retryAfterOf(error: unknown): number | undefined {
  const response: unknown = typeof error === 'object' && error !== null && 'response' in error ? error.response : null;
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const headers = response.headers as { get?: (name: string) => string | undefined };
  const value = headers.get?.('retry-after');
  return value !== undefined && /^\d{1,4}$/.test(value) ? Number(value) : undefined;
}
