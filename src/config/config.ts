import type { OperationGroup } from '../bedrock/groups.ts';
import type { CallerNamesOptions } from '../callers/caller-names.ts';
import type { AdmissionOptions } from '../callers/load.ts';
import type { BudgetSettings } from '../budgets/load.ts';
import type { CredentialsOptions } from '../credentials/load.ts';
import type { TelemetryConfig } from '../telemetry/telemetry.ts';
import { readBudgets } from './budgets.ts';
import { readCredentials } from './credentials.ts';
import { type Endpoints, readEndpoints } from './endpoints.ts';
import { type Limits, readLimits } from './limits.ts';
import { readOperations } from './operations.ts';
import { ConfigError, createReader, type Reader } from './reader.ts';
import type { Environment } from './settings.ts';
import { readTelemetry } from './telemetry.ts';

export interface Config extends Endpoints {
  /** The groups of operations that the app offers. */
  readonly operations: ReadonlySet<OperationGroup>;
  readonly credentials: CredentialsOptions;
  readonly callerAuth: AdmissionOptions;
  readonly limits: Limits;
  readonly callerNames: CallerNamesOptions;
  /** Whether requests name their caller to AWS. */
  readonly requestMetadata: boolean;
  readonly budgets: BudgetSettings;
  /** Absent: log lines only. */
  readonly telemetry?: TelemetryConfig;
  /** Wrong settings of the telemetry. They cost its numbers, not the callers their answers. */
  readonly telemetryProblems: readonly string[];
}

/**
 * The settings as one frozen object. An empty value counts as absent, as Azure's portal and templates leave it behind.
 *
 * @throws ConfigError that names every wrong setting at once
 */
export function readConfig(environment: Environment = process.env): Config {
  const problems: string[] = [];
  const read = createReader(environment, problems);
  const telemetryProblems: string[] = [];
  const telemetry = readTelemetry(createReader(environment, telemetryProblems), telemetryProblems);
  const { regions, endpoints } = readEndpoints(read, problems);
  const config: Config = {
    regions,
    endpoints,
    operations: readOperations(read, problems, { regions, endpoints }),
    credentials: readCredentials(read, problems, regions[0]),
    callerAuth: readCallerAuth(read, problems),
    limits: readLimits(read, problems),
    callerNames: readCallerNames(read, problems),
    requestMetadata: read.flag('REQUEST_METADATA'),
    budgets: readBudgets(read, problems),
    ...(telemetry === undefined ? {} : { telemetry }),
    telemetryProblems,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(config);
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function readCallerAuth(read: Reader, problems: string[]): AdmissionOptions {
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

/** Shorter keys could be found by trying. */
const KEY_CHARACTERS = 16;

function readCallerNames(read: Reader, problems: string[]): CallerNamesOptions {
  const mode = read.text('CALLER_NAMES') ?? 'full';
  if (mode === 'full') return { mode };
  if (mode === 'none') return { mode };
  if (mode !== 'hashed') {
    problems.push('CALLER_NAMES must be full, hashed or none');
    return { mode: 'none' };
  }
  const key = read.required('CALLER_NAMES_KEY', ' (needed by CALLER_NAMES=hashed)');
  // What App Service hands over where it could not read the vault: everybody knows it.
  if (key.startsWith('@Microsoft.KeyVault(')) problems.push('CALLER_NAMES_KEY is an unresolved Key Vault reference');
  else if (key !== '' && key.length < KEY_CHARACTERS) {
    problems.push(`CALLER_NAMES_KEY must have at least ${KEY_CHARACTERS} characters`);
  }
  return { mode, key };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
