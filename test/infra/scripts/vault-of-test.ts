import { type KeyVault, startKeyVault } from '../../emulators/azure/key-vault.ts';
import { startManagedIdentity } from '../../emulators/azure/managed-identity.ts';

export interface VaultOfTest extends KeyVault {
  /** Good for the vault. */
  readonly token: string;
}

/** An emulated vault, and a token of somebody who may read and store its secrets. */
export async function startVault(secrets: Readonly<Record<string, string>> = {}): Promise<VaultOfTest> {
  const identity = await startManagedIdentity();
  const { IDENTITY_ENDPOINT: url, IDENTITY_HEADER: header } = identity.environment;
  const response = await fetch(`${url}?api-version=2019-08-01&resource=https://vault.azure.net`, {
    headers: { 'x-identity-header': header },
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  const vault = await startKeyVault({ identity, secrets });
  return {
    ...vault,
    token,
    async close() {
      await Promise.all([vault.close(), identity.close()]);
    },
  };
}

/** The same token for whatever is asked. */
export const credentialOf = (token: string) => ({
  getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3_600_000 }),
});
