import type { TokenCredential } from '@azure/identity';
import { SecretClient } from '@azure/keyvault-secrets';

import type { AwsCredentials } from '../../src/aws/credentials.ts';
import { parseSecret } from '../../src/credentials/secret.ts';
import { SetupError } from '../build/local-settings.ts';
import { KEY_TAG } from './key-tag.ts';
import type { Pause, Say } from './run.ts';

/** A role assignment takes up to ten minutes to reach a vault. */
const ATTEMPTS = 20;
const PAUSE_MS = 30_000;
const DAY_MS = 86_400_000;

/** The secret of one vault that holds the AWS key. */
export interface KeyInVault {
  /** Name of the vault, for messages. */
  readonly vault: string;
  /** The current version; undefined when there is no such secret. */
  read(): Promise<AwsCredentials | undefined>;
  /** Id of the access key in it. */
  accessKeyId(): Promise<string | undefined>;
  /** Adds a version, which ends after so many days, and disables those before it. */
  store(keys: AwsCredentials, expiresInDays: number): Promise<void>;
}

export interface VaultAccess {
  /** Its name, or its URL where that is another than a name gives in Azure's public cloud. */
  readonly vault: string;
  readonly secretName: string;
  readonly credential: TokenCredential;
  readonly pause: Pause;
  readonly say: Say;
  /** In milliseconds since 1970. */
  readonly now?: () => number;
  /** How often it is asked while it refuses this identity; default for ten minutes. */
  readonly attempts?: number;
}

/**
 * Waits for a role that has not reached the vault yet, and for the name of a vault made a moment ago.
 *
 * @throws SetupError for a vault that does not let this machine in; RestError with the words of the vault
 */
export function keyInVault(access: VaultAccess): KeyInVault {
  const { vault, secretName, credential, pause, say, now = Date.now, attempts = ATTEMPTS } = access;
  const url = /^https?:/.test(vault) ? vault : `https://${vault}.vault.azure.net`;
  const insecure = { allowInsecureConnection: true, disableChallengeResourceVerification: true };
  const client = new SecretClient(url, credential, url.startsWith('http:') ? insecure : {});

  async function whenAllowed<T>(attempt: () => Promise<T>): Promise<T> {
    for (let left = attempts - 1; ; left -= 1) {
      try {
        return await attempt();
      } catch (error) {
        const reason = reasonOf(error);
        if (OUTSIDE.test(reason)) throw outside(vault, error);
        const isUnknown = UNKNOWN.test(reason);
        if (!(isUnknown || reason.includes('ForbiddenByRbac')) || left === 0) throw error;
        if (left === attempts - 1) {
          say(`Waiting for the ${isUnknown ? 'name of the vault' : 'role assignment on the vault'} ${vault} ...`);
        }
        await pause(PAUSE_MS);
      }
    }
  }

  const read = () =>
    whenAllowed(async () => {
      try {
        const { value = '' } = await client.getSecret(secretName);
        return parseSecret(value);
      } catch (error) {
        if (/SecretNotFound/.test(reasonOf(error))) return undefined;
        throw error;
      }
    });

  return {
    vault,
    read,
    accessKeyId: async () => (await read())?.accessKeyId,
    async store(keys, expiresInDays) {
      const expiresOn = new Date(now() + expiresInDays * DAY_MS);
      const options = { contentType: 'application/json', expiresOn, tags: { [KEY_TAG]: keys.accessKeyId.slice(-4) } };
      const { properties } = await whenAllowed(() => client.setSecret(secretName, JSON.stringify(keys), options));
      for await (const { version, enabled } of client.listPropertiesOfSecretVersions(secretName)) {
        if (version === undefined || version === properties.version || enabled === false) continue;
        await client.updateSecretProperties(secretName, version, { enabled: false });
      }
    },
  };
}

/** Codes and words of a refusal, its inner error's among them. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, details } = error as { code?: unknown; details?: unknown };
  return `${String(code)} ${error.message} ${JSON.stringify(details ?? '')}`;
}

const OUTSIDE = /ForbiddenBy(?:Connection|Firewall)/;
const UNKNOWN = /ENOTFOUND|EAI_AGAIN/;

/** Why the vault does not let this machine or this identity look, which says nothing of the key; undefined for any other error. */
export function whyNoLook(error: unknown): string | undefined {
  if (OUTSIDE.test(reasonOf(error)) || OUTSIDE.test(reasonOf((error as Error).cause))) {
    return 'it does not accept calls from this network';
  }
  if (UNKNOWN.test(reasonOf(error))) return 'its name is not known here';
  return reasonOf(error).includes('ForbiddenByRbac') ? 'whoever is signed in has no role on it' : undefined;
}

function outside(vault: string, cause: unknown): SetupError {
  const error = new SetupError(
    `The vault ${vault} does not accept calls from this network. Run this inside its virtual network, or\n` +
      'deploy with the address of this machine in vaultAllowedAddresses and take it out again afterwards.',
  );
  error.cause = cause;
  return error;
}
