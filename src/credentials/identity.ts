import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';

export interface IdentityOptions {
  /** Client id of a user-assigned identity; absent: the system-assigned one. */
  readonly identityClientId?: string;
  /** True where the platform offers a managed identity (App Service sets `IDENTITY_ENDPOINT`). */
  readonly managedIdentity: boolean;
}

/**
 * The managed identity of the function app or, outside Azure, whoever `DefaultAzureCredential` finds (Azure CLI,
 * environment, …). Its own retries are off: the cache before it decides when to try again, and a caller that waits would
 * only wait longer.
 */
export function identityOf({ managedIdentity, identityClientId }: IdentityOptions): TokenCredential {
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
