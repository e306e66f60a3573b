import { runtimeOrigin } from './bedrock/endpoint.ts';

/** Every environment variable the proxy reads. The infrastructure, the example settings and the README name the same. */
export const SETTINGS = [
  'AWS_REGION',
  'KEY_VAULT_URI',
  'AWS_CREDENTIALS_SECRET_NAME',
  'AWS_ACCESS_KEY_ID_SECRET_NAME',
  'AWS_SECRET_ACCESS_KEY_SECRET_NAME',
  'CREDENTIALS_REFRESH_SECONDS',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AZURE_CLIENT_ID',
  'IDENTITY_ENDPOINT',
  'CALLER_AUTH',
  'ENTRA_TENANT_ID',
  'ENTRA_AUDIENCE',
  'ENTRA_ALLOWED_CALLERS',
  'ENTRA_AUTHORITY',
  'MAX_REQUEST_BYTES',
  'MAX_BUFFERED_BYTES',
  'UPLOAD_TIMEOUT_SECONDS',
  'FIRST_BYTE_DEADLINE_SECONDS',
  'UPSTREAM_CONNECT_TIMEOUT_SECONDS',
  'UPSTREAM_HEADERS_TIMEOUT_SECONDS',
  'UPSTREAM_IDLE_TIMEOUT_SECONDS',
  'STREAM_DEADLINE_SECONDS',
  'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
] as const;

export type SettingName = (typeof SETTINGS)[number];
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the AWS keys come from. */
export type CredentialsConfig =
  | { readonly source: 'environment'; readonly keys: EnvironmentKeys }
  | { readonly source: 'keyVault'; readonly vault: VaultConfig; readonly refreshSeconds: number };

export interface EnvironmentKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface VaultConfig {
  readonly uri: string;
  /** One secret that holds JSON, or the two secrets of the older layout. */
  readonly secrets: { readonly json: string } | { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Client id of a user-assigned identity; absent: the system-assigned one. */
  readonly identityClientId?: string;
  /** True where the platform offers a managed identity (App Service sets `IDENTITY_ENDPOINT`). */
  readonly managedIdentity: boolean;
}

/** Who may call: the holder of a function key (checked by the Functions host) or of an Entra token (checked here). */
export type CallerAuthConfig = { readonly mode: 'functionKey' } | ({ readonly mode: 'entra' } & EntraConfig);

export interface EntraConfig {
  readonly tenantId: string;
  readonly audiences: readonly string[];
  /** Object ids (`oid`) of the identities that may call. */
  readonly allowedCallers: readonly string[];
  readonly authority: string;
}

export interface Limits {
  readonly requestBytes: number;
  readonly bufferedBytes: number;
  readonly uploadMs: number;
  readonly firstByteMs: number;
  readonly connectMs: number;
  readonly headersMs: number;
  readonly idleMs: number;
  readonly streamMs: number;
}

export interface Config {
  readonly region: string;
  /** Origin of Bedrock's runtime, without a trailing slash. */
  readonly origin: string;
  readonly credentials: CredentialsConfig;
  readonly callerAuth: CallerAuthConfig;
  readonly limits: Limits;
}

/** Names every missing or malformed setting, never a value: it may be a secret in the wrong place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Wrong settings: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * The settings as one frozen object. An empty value counts as absent, as Azure's portal and templates leave it behind.
 *
 * @throws ConfigError that names every wrong setting at once
 */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = [];
  const read = createReader(environment, problems);
  const { region, origin } = readRegion(read, problems);
  const config: Config = {
    region,
    origin,
    credentials: readCredentials(read, problems),
    callerAuth: readCallerAuth(read, problems),
    limits: {
      requestBytes: read.integer('MAX_REQUEST_BYTES', 26_214_400, 104_857_600),
      bufferedBytes: read.integer('MAX_BUFFERED_BYTES', 268_435_456, Number.MAX_SAFE_INTEGER),
      uploadMs: 1000 * read.integer('UPLOAD_TIMEOUT_SECONDS', 60, 230),
      firstByteMs: 1000 * read.integer('FIRST_BYTE_DEADLINE_SECONDS', 225, 230),
      connectMs: 1000 * read.integer('UPSTREAM_CONNECT_TIMEOUT_SECONDS', 5, 230),
      headersMs: 1000 * read.integer('UPSTREAM_HEADERS_TIMEOUT_SECONDS', 220, 230),
      idleMs: 1000 * read.integer('UPSTREAM_IDLE_TIMEOUT_SECONDS', 225, 235),
      streamMs: 1000 * read.integer('STREAM_DEADLINE_SECONDS', 1620, 1790),
    },
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

interface Reader {
  text(name: SettingName): string | undefined;
  required(name: SettingName, why: string): string;
  integer(name: SettingName, fallback: number, most: number): number;
  list(name: SettingName, why: string): string[];
  url(name: SettingName): URL | undefined;
}

function createReader(environment: Environment, problems: string[]): Reader {
  const text = (name: SettingName) => environment[name]?.trim() || undefined;
  const required = (name: SettingName, why: string) => {
    const value = text(name);
    if (value === undefined) problems.push(`${name} is missing${why}`);
    return value ?? '';
  };
  return {
    text,
    required,
    integer(name, fallback, most) {
      const value = text(name);
      if (value === undefined) return fallback;
      const number = /^\d{1,16}$/.test(value) ? Number(value) : 0;
      if (number < 1 || number > most) problems.push(`${name} must be a whole number from 1 to ${most}`);
      return number;
    },
    list(name, why) {
      const items = required(name, why).split(',');
      return items.map((item) => item.trim()).filter((item) => item !== '');
    },
    url(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      const url = URL.canParse(value) ? new URL(value) : undefined;
      const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
      if (url === undefined || !secure || url.username !== '' || url.search !== '' || url.hash !== '') {
        problems.push(`${name} must be an https URL (http only to a loopback address)`);
        return undefined;
      }
      return url;
    },
  };
}

/** 127.0.0.0/8, ::1 and `localhost`: the only hosts that plain http is accepted for. */
function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(url.hostname);
}

function readRegion(read: Reader, problems: string[]): { region: string; origin: string } {
  const region = read.required('AWS_REGION', '');
  const override = read.url('AWS_ENDPOINT_URL_BEDROCK_RUNTIME');
  if (override !== undefined && override.pathname !== '/') {
    problems.push('AWS_ENDPOINT_URL_BEDROCK_RUNTIME must have no path');
  }
  if (region === '') return { region, origin: '' };
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(region)) {
    problems.push('AWS_REGION is not the name of a region (such as eu-central-1)');
    return { region, origin: '' };
  }
  const origin = override?.origin ?? runtimeOrigin(region);
  if (origin === undefined) {
    problems.push('AWS_REGION is unknown (for a new region, set AWS_ENDPOINT_URL_BEDROCK_RUNTIME too)');
  }
  return { region, origin: origin ?? '' };
}

function readCredentials(read: Reader, problems: string[]): CredentialsConfig {
  const uri = read.url('KEY_VAULT_URI');
  if (uri === undefined) return { source: 'environment', keys: readEnvironmentKeys(read, problems) };

  const accessKeyId = read.text('AWS_ACCESS_KEY_ID_SECRET_NAME');
  const secretAccessKey = read.text('AWS_SECRET_ACCESS_KEY_SECRET_NAME');
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    problems.push('AWS_ACCESS_KEY_ID_SECRET_NAME and AWS_SECRET_ACCESS_KEY_SECRET_NAME must be set both or neither');
  }
  const secrets =
    accessKeyId !== undefined && secretAccessKey !== undefined
      ? { accessKeyId, secretAccessKey }
      : { json: read.text('AWS_CREDENTIALS_SECRET_NAME') ?? 'aws-credentials' };
  for (const name of Object.values(secrets)) {
    if (!/^[0-9A-Za-z-]{1,127}$/.test(name)) problems.push('a secret name may hold letters, digits and dashes only');
  }
  const identityClientId = read.text('AZURE_CLIENT_ID');
  return {
    source: 'keyVault',
    vault: {
      uri: uri.href,
      secrets,
      managedIdentity: read.text('IDENTITY_ENDPOINT') !== undefined,
      ...(identityClientId === undefined ? {} : { identityClientId }),
    },
    refreshSeconds: read.integer('CREDENTIALS_REFRESH_SECONDS', 300, 86_400),
  };
}

function readEnvironmentKeys(read: Reader, problems: string[]): EnvironmentKeys {
  // A malformed KEY_VAULT_URI is a problem of its own: asking for environment keys as well would mislead.
  if (read.text('KEY_VAULT_URI') !== undefined) return { accessKeyId: '', secretAccessKey: '' };
  const accessKeyId = read.text('AWS_ACCESS_KEY_ID');
  const secretAccessKey = read.text('AWS_SECRET_ACCESS_KEY');
  const sessionToken = read.text('AWS_SESSION_TOKEN');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    problems.push('KEY_VAULT_URI is missing, and so are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  return {
    accessKeyId: accessKeyId ?? '',
    secretAccessKey: secretAccessKey ?? '',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readCallerAuth(read: Reader, problems: string[]): CallerAuthConfig {
  const mode = read.text('CALLER_AUTH') ?? 'functionKey';
  if (mode === 'functionKey') return { mode };
  if (mode !== 'entra') {
    problems.push('CALLER_AUTH must be functionKey or entra');
    return { mode: 'functionKey' };
  }
  const why = ' (needed by CALLER_AUTH=entra)';
  const tenantId = read.required('ENTRA_TENANT_ID', why);
  if (tenantId !== '' && !GUID.test(tenantId)) problems.push('ENTRA_TENANT_ID must be a GUID');
  const authority = read.url('ENTRA_AUTHORITY') ?? new URL('https://login.microsoftonline.com');
  return {
    mode,
    tenantId: tenantId.toLowerCase(),
    audiences: read.list('ENTRA_AUDIENCE', why),
    allowedCallers: read.list('ENTRA_ALLOWED_CALLERS', why).map((id) => id.toLowerCase()),
    authority: authority.href.replace(/\/$/, ''),
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
