import { randomBytes, randomUUID } from 'node:crypto';

import type { BedrockRuntimeClientConfig } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import type { Clock } from '../../src/clock.ts';
import type { BedrockEmulator } from './bedrock/bedrock.ts';
import { BY_NAME, startRegions } from './bedrock/regions.ts';
import type { ServiceName } from './bedrock/services.ts';
import type { BedrockKey } from './bedrock/sigv4-verifier.ts';
import { findSecrets, type Text } from '../support/secret-scan.ts';
import { type ApplicationInsights, startApplicationInsights } from './azure/application-insights.ts';
import { entraTokens } from './azure/entra-applications.ts';
import { type Entra, startEntra } from './azure/entra.ts';
import { type FunctionsHost, startFunctionsHost } from './functions-host/host.ts';
import { type Gateway, type GatewayOptions, startGateway, type Subscription } from './gateway/gateway.ts';
import { type KeyVault, startKeyVault } from './azure/key-vault.ts';
import { type ManagedIdentity, startManagedIdentity } from './azure/managed-identity.ts';
import { startTableStorage, type TableStorage } from './azure/table-storage.ts';
import { type OtlpCollector, startOtlpCollector } from './otlp/collector.ts';
import type { AwsAccounts } from './sts/accounts.ts';
import { startSts, type StsEmulator } from './sts/sts.ts';

export interface ChainOptions {
  /** App settings on top of the usual ones; an empty value takes one away. */
  settings?: Readonly<Record<string, string>>;
  callerAuth?: 'entra' | 'functionKey';
  /** Puts the App Service front end, which decodes `%2F`, before the Functions host. */
  frontEnd?: boolean;
  /** Whether the gateway decodes `%2F`; default true. */
  decodeSlashes?: boolean;
  subscriptions?: readonly Subscription[];
  secrets?: Readonly<Record<string, string>>;
  keys?: readonly BedrockKey[];
  /** Instances of the app, which the gateway calls in turn; default one. */
  instances?: number;
  /** Whether they share their budgets in a table. */
  budgetTable?: boolean;
  /** Regions of the app, the first one first, each with a Bedrock of its own; default the one of Bedrock. */
  regions?: readonly string[];
  /** Those of several regions to which there is no connection. */
  unreachable?: readonly string[];
  eventDelayMs?: number;
  /** Of all services: as the option of `startBedrock`. */
  lastEventAfter?: () => Promise<void>;
  /**
   * The accounts of AWS, made when it is known who calls them. With them there is an STS, and the managed identity gets
   * tokens of Entra for `AWS_AUDIENCE`; the settings say whether the app uses them.
   */
  accounts?: (callers: AwsCallers) => AwsAccounts;
  /** What befalls the managed identity before the app starts. */
  identityAtStart?: (identity: ManagedIdentity) => void;
  /** By which the Functions host counts its own limits, also the one after which it kills a worker; default that of the machine. */
  hostClock?: Clock;
  /** AWS's time; default that of the machine. */
  awsClock?: () => Date;
  gatewayPort?: number;
  /** What the gateway keeps and tells of its requests. */
  gateway?: Pick<GatewayOptions, 'mostRequests' | 'onAnswer'>;
  /** File of the API's policy; default the one that is deployed. */
  policy?: string;
  /** Text of the policy of all APIs; default API Management's own. */
  globalPolicy?: string;
  /** Folder of the app; default the repository. */
  appDirectory?: string;
  /** Node binary of the worker. */
  node?: string;
  /** Options of Node for the worker, for instance `--inspect-brk`. */
  nodeArguments?: readonly string[];
  /** Where the function app sends metrics and traces; default nowhere. */
  telemetry?: 'otlp' | 'applicationInsights' | 'both';
}

type OtherService = Exclude<ServiceName, 'bedrock-runtime'>;

/** Audience of the tokens by which the app can call AWS without a key. */
export const AWS_AUDIENCE = 'api://aws-bedrock';

/** Who calls AWS: the app's identity, by tokens of this tenant, and whoever has the key in the vault. */
export interface AwsCallers {
  readonly tenantId: string;
  readonly identityObjectId: string;
  readonly key: BedrockKey;
}

/** Everything between an AWS SDK and Bedrock, on loopback. */
export interface Chain {
  readonly gateway: Gateway;
  readonly host: FunctionsHost;
  /** All instances, that one first. */
  readonly hosts: readonly FunctionsHost[];
  /** Of the first region. */
  readonly bedrock: BedrockEmulator;
  /** In the order of the regions. */
  readonly bedrocks: readonly BedrockEmulator[];
  /** The other services of Bedrock in the first region, by what their addresses begin with. */
  readonly services: Readonly<Record<OtherService, BedrockEmulator>>;
  /** All services in all regions. */
  readonly endpoints: readonly BedrockEmulator[];
  readonly vault: KeyVault;
  readonly identity: ManagedIdentity;
  readonly entra: Entra;
  /** Present as `accounts` says. */
  readonly sts: StsEmulator;
  readonly accounts: AwsAccounts;
  /** Present with `budgetTable`. */
  readonly table: TableStorage;
  /** Present as `telemetry` says. */
  readonly collector: OtlpCollector;
  readonly insights: ApplicationInsights;
  /** The keys in the vault at the start, which Bedrock accepts. */
  readonly key: BedrockKey;
  /** Configuration of an AWS SDK client that calls through the gateway with nothing but its subscription key. */
  clientConfig(): BedrockRuntimeClientConfig;
  /** Stops everything. Rejects when a line of the host's log or exported telemetry holds one of the secrets. */
  close(): Promise<void>;
}

/** A fresh pair of keys in the form that IAM makes them. */
export function newKey(): BedrockKey {
  const id = randomBytes(8).toString('hex').toUpperCase();
  return { accessKeyId: `AKIA${id}`, secretAccessKey: randomBytes(30).toString('base64') };
}

/**
 * Starts Bedrock, Key Vault, managed identity, Entra, the Functions host with the built bundle, and the gateway with
 * the policy that is deployed.
 */
export async function startChain(options: ChainOptions = {}): Promise<Chain> {
  const callerAuth = options.callerAuth ?? 'entra';
  const [key = newKey()] = options.keys ?? [];
  const entra = await startEntra();
  const identity = await startManagedIdentity(
    options.accounts === undefined
      ? {}
      : { issueToken: entraTokens(entra, { [AWS_AUDIENCE]: { clientId: randomUUID() } }) },
  );
  options.identityAtStart?.(identity);
  const identityClientId = randomUUID();
  const { tenantId } = entra;
  const accounts = options.accounts?.({ tenantId, identityObjectId: identity.objectId(identityClientId), key });
  const clock = options.awsClock === undefined ? {} : { clock: options.awsClock };
  const regions = options.regions ?? ['us-east-1'];
  const startService = (service: ServiceName) =>
    startRegions(regions, options.unreachable ?? [], {
      service,
      keys: options.keys ?? [key],
      eventDelayMs: options.eventDelayMs ?? 0,
      ...(options.lastEventAfter === undefined ? {} : { lastEventAfter: options.lastEventAfter }),
      ...(accounts === undefined ? {} : { accounts }),
      ...clock,
    });
  const regional = {
    'bedrock-runtime': await startService('bedrock-runtime'),
    bedrock: await startService('bedrock'),
    'bedrock-agent-runtime': await startService('bedrock-agent-runtime'),
    'bedrock-agentcore': await startService('bedrock-agentcore'),
    'bedrock-mantle': await startService('bedrock-mantle'),
  };
  const firstOf = (service: ServiceName) => regional[service].all[0] ?? absent('regions');
  const bedrock = firstOf('bedrock-runtime');
  const services = {
    bedrock: firstOf('bedrock'),
    'bedrock-agent-runtime': firstOf('bedrock-agent-runtime'),
    'bedrock-agentcore': firstOf('bedrock-agentcore'),
    'bedrock-mantle': firstOf('bedrock-mantle'),
  };
  const issuers = { [`https://sts.windows.net/${tenantId}/`]: `${entra.authority}/${tenantId}` };
  const sts =
    accounts === undefined ? undefined : await startSts({ accounts, issuers, region: bedrock.region, ...clock });
  const vault = await startKeyVault({
    identity,
    secrets: options.secrets ?? { 'aws-credentials': JSON.stringify(key) },
  });
  const { telemetry = 'none' } = options;
  const collector = telemetry === 'otlp' || telemetry === 'both' ? await startOtlpCollector() : undefined;
  const insights =
    telemetry === 'applicationInsights' || telemetry === 'both' ? await startApplicationInsights(identity) : undefined;
  const table = options.budgetTable === true ? await startTableStorage({ identity }) : undefined;
  const settings: Record<string, string> = {
    AWS_REGION: bedrock.region,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: regional['bedrock-runtime'].endpoint,
    AWS_ENDPOINT_URL_BEDROCK: regional.bedrock.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME: regional['bedrock-agent-runtime'].endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: regional['bedrock-agentcore'].endpoint,
    AWS_ENDPOINT_URL_BEDROCK_MANTLE: regional['bedrock-mantle'].endpoint,
    ...(regions.length > 1 && {
      AWS_REGIONS: regions.slice(1).join(','),
      REGIONAL_HOSTS: Object.values(regional)
        .flatMap(({ hosts: names }) => names)
        .join(','),
    }),
    ...(table === undefined ? {} : { BUDGET_TABLE_URI: table.tableUrl }),
    KEY_VAULT_URI: vault.url,
    AZURE_CLIENT_ID: identityClientId,
    ...(sts === undefined ? {} : { AWS_ENDPOINT_URL_STS: sts.url }),
    ...identity.environment,
    CALLER_AUTH: callerAuth,
    ENTRA_TENANT_ID: entra.tenantId,
    ENTRA_AUDIENCE: entra.appClientId,
    ENTRA_ALLOWED_CALLERS: entra.callerObjectId,
    ENTRA_AUTHORITY: entra.authority,
    // The longest: no test is about how soon a busy machine gets a connection, but those that say so.
    UPSTREAM_CONNECT_TIMEOUT_SECONDS: '230',
    ...collector?.environment,
    ...insights?.environment,
    ...options.settings,
  };
  const startHost = () =>
    startFunctionsHost({
      environment: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== '')),
      frontEnd: options.frontEnd ?? false,
      ...(options.hostClock === undefined ? {} : { clock: options.hostClock }),
      ...(options.node === undefined ? {} : { node: options.node }),
      nodeArguments: [...(regions.length > 1 ? BY_NAME : []), ...(options.nodeArguments ?? [])],
      ...(options.appDirectory === undefined ? {} : { appDirectory: options.appDirectory }),
    });
  const host = await startHost();
  const hosts = [host];
  while (hosts.length < (options.instances ?? 1)) hosts.push(await startHost());
  const gateway = await startGateway({
    backendUrl: hosts.map(({ url }) => url),
    callerAuth,
    decodeSlashes: options.decodeSlashes ?? true,
    managedIdentityToken: () => entra.issueToken(),
    ...options.gateway,
    backendHeaders: callerAuth === 'functionKey' ? { 'x-functions-key': host.functionKey } : {},
    ...(options.subscriptions === undefined ? {} : { subscriptions: options.subscriptions }),
    ...(options.gatewayPort === undefined ? {} : { port: options.gatewayPort }),
    ...(options.policy === undefined ? {} : { policy: options.policy }),
    ...(options.globalPolicy === undefined ? {} : { globalPolicy: options.globalPolicy }),
  });
  return {
    gateway,
    host,
    hosts,
    bedrock,
    services,
    bedrocks: regional['bedrock-runtime'].all,
    endpoints: Object.values(regional).flatMap(({ all }) => all),
    vault,
    identity,
    entra,
    get sts() {
      return sts ?? absent('accounts');
    },
    get accounts() {
      return accounts ?? absent('accounts');
    },
    get table() {
      return table ?? absent('budgetTable');
    },
    get collector() {
      return collector ?? absent("telemetry: 'otlp'");
    },
    get insights() {
      return insights ?? absent("telemetry: 'applicationInsights'");
    },
    key,
    clientConfig: () => ({
      endpoint: gateway.url,
      region: bedrock.region,
      // What signs here is worth nothing to AWS; the gateway drops it.
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      requestHandler: withApiKey(gateway.subscriptionKey),
    }),
    async close() {
      await Promise.all(hosts.map((each) => each.stop()));
      const servers = [gateway, ...Object.values(regional), vault, identity, entra, sts, table, collector, insights];
      await Promise.all(servers.map((server) => server?.close()));
      const secrets = new Map(
        [...hosts.flatMap((each) => secretsOf(key, gateway, each)), ...sessionSecrets(accounts, sts)].filter(
          ([, value]) => value.length >= 8,
        ),
      );
      const logged = hosts
        .flatMap(({ logs }) => logs)
        .map(({ category, message }) => ({
          where: `a line of ${category}: ${message.slice(0, 60)}`,
          text: message,
        }));
      const leaks = findSecrets(secrets, [...logged, ...exportedTelemetry(collector, insights)]);
      if (leaks.length > 0) throw new Error(`Secrets in the log: ${leaks.join('; ')}`);
    },
  };
}

/** All metrics and spans that were sent, for a scan. */
export function exportedTelemetry(collector?: OtlpCollector, insights?: ApplicationInsights): Text[] {
  return [
    ...(collector?.bodies ?? []).map((text) => ({ where: 'OTLP', text })),
    ...(insights?.bodies ?? []).map((text) => ({ where: 'Application Insights', text })),
  ];
}

function absent(option: string): never {
  throw new Error(`The chain was started without ${option}.`);
}

function secretsOf(key: BedrockKey, gateway: Gateway, host: FunctionsHost): [string, string][] {
  return [
    ['secret access key', key.secretAccessKey],
    ['session token', key.sessionToken ?? ''],
    ['function key', host.functionKey],
    ['master key', host.masterKey],
    ...gateway.subscriptions.map((subscription): [string, string] => ['subscription key', subscription.key]),
  ];
}

function sessionSecrets(accounts: AwsAccounts | undefined, sts: StsEmulator | undefined): [string, string][] {
  const sessions = (accounts?.sessions ?? []).flatMap(({ key }, index): [string, string][] => [
    [`secret of session ${index}`, key.secretAccessKey],
    [`token of session ${index}`, key.sessionToken ?? ''],
  ]);
  const tokens = new Set((sts?.calls ?? []).map(({ parameters }) => parameters['WebIdentityToken'] ?? ''));
  return [...sessions, ...Array.from(tokens, (token): [string, string] => ['token of the identity', token])];
}

/** The SDK's HTTP/1.1 handler with the one header that the gateway asks for. */
export function withApiKey(key: string): NodeHttpHandler {
  const handler = new NodeHttpHandler();
  const handle = handler.handle.bind(handler);
  handler.handle = (request, options) => {
    request.headers['api-key'] = key;
    return handle(request, options);
  };
  return handler;
}
