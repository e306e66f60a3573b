import { readConfig } from '../../src/config/config.ts';
import type { Environment } from '../../src/config/settings.ts';
import type { CredentialsOptions } from '../../src/credentials/load.ts';

/** What is behind the proxy: an emulator, or Bedrock itself with the keys of whoever runs this. */
export type Target =
  | { readonly bedrock: 'emulated' }
  | {
      readonly bedrock: 'real';
      readonly region: string;
      readonly origin: string;
      readonly credentials: CredentialsOptions;
      /** App settings of the function. */
      readonly settings: Readonly<Record<string, string>>;
    };

/** Something that the person who runs this can put right; the message says how. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/**
 * The real Bedrock where the environment holds AWS keys or a vault, else the emulator.
 *
 * The function then gets this whole environment, as `func start` would give it: the Azure CLI, a service principal
 * and proxies are all configured there.
 *
 * @throws ConfigError that names every wrong setting
 */
export function readTarget(environment: Environment): Target {
  const real = ['KEY_VAULT_URI', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].some((name) => environment[name]);
  if (!real) return { bedrock: 'emulated' };
  const set = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  // The gateway beside it sends a function key, whatever the deployed one does.
  const settings: Record<string, string> = { ...Object.fromEntries(set), CALLER_AUTH: 'functionKey' };
  const { region, origin, credentials } = readConfig(settings);
  return { bedrock: 'real', region, origin, credentials, settings };
}

/** Port of the gateway: `PORT`, or the one Core Tools use; 0 lets the system choose. @throws SetupError */
export function readPort(environment: Environment): number {
  const text = environment['PORT'] || '7071';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new SetupError(`PORT must be a number up to 65535, not "${text}".`);
  return port;
}
