import { readLocalSettings, SetupError } from '../../infra/build/local-settings.ts';
import { originOf } from '../../src/aws/endpoint.ts';
import { readConfig } from '../../src/config/config.ts';
import { type Environment, SETTINGS } from '../../src/config/settings.ts';
import type { CredentialsOptions } from '../../src/credentials/load.ts';

/** What is behind the proxy: an emulator, or Bedrock itself with the keys of whoever runs this. */
export type Target = {
  /** App settings of the function. */
  readonly settings: Readonly<Record<string, string>>;
} & (
  | { readonly bedrock: 'emulated' }
  | {
      readonly bedrock: 'real';
      readonly region: string;
      readonly origin: string;
      readonly credentials: CredentialsOptions;
    }
);

/** What the words after `npm run dev --` ask for. */
export interface Wishes {
  /** Calls to paste, for each kind of client. */
  readonly snippets: boolean;
  /** The emulator, whatever keys there are. */
  readonly emulated: boolean;
}

/** @throws SetupError for any other word */
export function readWishes(words: readonly string[]): Wishes {
  const unknown = words.filter((word) => word !== 'snippets' && word !== 'emulated');
  if (unknown.length > 0) {
    throw new SetupError(`Unknown: ${unknown.join(' ')}. There are: npm run dev -- snippets, npm run dev -- emulated`);
  }
  return { snippets: words.includes('snippets'), emulated: words.includes('emulated') };
}

/** The environment, before `local.settings.json` of this folder as in Core Tools; an empty variable counts as absent. */
export async function readEnvironment(
  environment: Environment,
  folder: string,
): Promise<{ environment: Environment; fromFile: boolean }> {
  const file = await readLocalSettings(folder);
  const set = Object.entries(environment).filter(([, value]) => value !== '');
  return { environment: { ...file, ...Object.fromEntries(set) }, fromFile: file !== undefined };
}

/** Settings that are the emulators' own: where AWS and Azure are, and who one is there. */
const OF_THE_EMULATORS = /^(AWS|AZURE|KEY_VAULT|IDENTITY|CREDENTIALS|CALLER|ENTRA)_/;

/**
 * The real Bedrock where the environment holds AWS keys or a vault, else the emulator.
 *
 * The function then gets this whole environment, as `func start` would give it: the Azure CLI, a service principal
 * and proxies are all configured there. Before an emulator it gets the settings of the proxy's own behaviour only.
 *
 * @throws ConfigError that names every wrong setting
 */
export function readTarget(environment: Environment, { emulated }: Pick<Wishes, 'emulated'>): Target {
  const real = ['KEY_VAULT_URI', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].some((name) => environment[name]);
  if (emulated || !real) {
    const names = SETTINGS.filter((name) => !OF_THE_EMULATORS.test(name));
    return { bedrock: 'emulated', settings: present(names.map((name) => [name, environment[name]])) };
  }
  // The gateway beside it sends a function key, whatever the deployed one does.
  const settings = { ...present(Object.entries(environment)), CALLER_AUTH: 'functionKey' };
  const { regions, endpoints, credentials } = readConfig(settings);
  const [region] = regions;
  const origin = originOf('bedrock-runtime', region, endpoints) ?? '';
  return { bedrock: 'real', region, origin, credentials, settings };
}

function present(entries: readonly (readonly [name: string, value: string | undefined])[]): Record<string, string> {
  return Object.fromEntries(entries.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}

/** Port of the gateway: `PORT`, or the one Core Tools use; 0 lets the system choose. @throws SetupError */
export function readPort(environment: Environment): number {
  const text = environment['PORT'] || '7071';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new SetupError(`PORT must be a number up to 65535, not "${text}".`);
  return port;
}

/** Whether clients are to be served by TLS, HTTP/2 included. @throws SetupError */
export function readHttps(environment: Environment): boolean {
  const text = environment['HTTPS'] || '0';
  if (text !== '0' && text !== '1') throw new SetupError('HTTPS must be 1, or absent.');
  return text === '1';
}
