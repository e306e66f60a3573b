import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { originOf } from '../../../src/aws/endpoint.ts';
import { type Config, readConfig } from '../../../src/config/config.ts';
import { ConfigError } from '../../../src/config/reader.ts';
import { type Environment, SETTINGS } from '../../../src/config/settings.ts';
import { root } from '../../support/root.ts';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';
const CALLER = '9f4a1c2e-0000-4000-8000-0123456789ab';

/** The least that is accepted. */
const LOCAL = { AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI' };
const VAULT = { AWS_REGION: 'eu-central-1', KEY_VAULT_URI: 'https://example.vault.azure.net' };
const ROLE = 'arn:aws:iam::111122223333:role/bedrock-proxy';
const WEB_IDENTITY = { AWS_REGION: 'eu-central-1', AWS_WEB_IDENTITY_AUDIENCE: 'api://aws', AWS_ROLE_ARN: ROLE };
const TELEMETRY = {
  APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${TENANT};IngestionEndpoint=https://weu.in.example/`,
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${CALLER};Authorization=AAD`,
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.internal:4318',
};
const ENTRA = {
  ...LOCAL,
  CALLER_AUTH: 'entra',
  ENTRA_TENANT_ID: TENANT,
  ENTRA_AUDIENCE: 'api://proxy',
  ENTRA_ALLOWED_CALLERS: CALLER,
};

/** Where Bedrock's runtime is called. */
function originIn({ regions, endpoints }: Config): string | undefined {
  return originOf('bedrock-runtime', regions[0], endpoints);
}

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const groupsIn = ({ operations }: Config) => [...operations].join(' ');

describe('good settings', () => {
  it('defaults', () => {
    expect(readConfig(LOCAL)).toStrictEqual({
      regions: ['eu-central-1'],
      endpoints: { useFips: false, overrides: {} },
      operations: new Set(['inference', 'discovery']),
      credentials: {
        base: {
          source: 'environment',
          keys: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' },
        },
        role: { partition: 'aws', durationSeconds: 3600, sessionName: 'bedrock-proxy', sessionTags: '' },
        sts: { region: 'eu-central-1', useFips: false },
      },
      callerAuth: { mode: 'functionKey' },
      callerNames: { mode: 'full' },
      limits: {
        requestBytes: 26_214_400,
        bufferedBytes: 268_435_456,
        uploadMs: 60_000,
        firstByteMs: 225_000,
        connectMs: 5000,
        headersMs: 220_000,
        idleMs: 225_000,
        streamMs: 1_620_000,
      },
      requestMetadata: false,
      budgets: { budgets: [], mode: 'enforce', onStoreFailure: 'allow' },
      telemetryProblems: [],
    });
  });

  it('a vault comes before keys of the environment', () => {
    expect(readConfig({ ...LOCAL, ...VAULT }).credentials.base).toStrictEqual({
      source: 'keyVault',
      vault: {
        uri: 'https://example.vault.azure.net/',
        secrets: { json: 'aws-credentials' },
        managedIdentity: false,
      },
      refreshSeconds: 300,
    });
  });

  it('a vault with everything', () => {
    const settings = {
      ...VAULT,
      AWS_ACCESS_KEY_ID_SECRET_NAME: 'id',
      AWS_SECRET_ACCESS_KEY_SECRET_NAME: 'secret',
      AZURE_CLIENT_ID: 'client',
      IDENTITY_ENDPOINT: 'http://169.254.255.2:8081/msi/token',
      CREDENTIALS_REFRESH_SECONDS: '60',
    };
    expect(readConfig(settings).credentials.base).toStrictEqual({
      source: 'keyVault',
      vault: {
        uri: 'https://example.vault.azure.net/',
        secrets: { accessKeyId: 'id', secretAccessKey: 'secret' },
        identityClientId: 'client',
        managedIdentity: true,
      },
      refreshSeconds: 60,
    });
  });

  it('a managed identity comes before a vault, which is there to go back to', () => {
    expect(readConfig({ ...VAULT, ...WEB_IDENTITY, AZURE_CLIENT_ID: 'client' }).credentials).toStrictEqual({
      base: {
        source: 'webIdentity',
        identity: { audience: 'api://aws', managedIdentity: false, identityClientId: 'client' },
        home: ROLE,
      },
      role: { roleArn: ROLE, partition: 'aws', durationSeconds: 3600, sessionName: 'bedrock-proxy', sessionTags: '' },
      sts: { region: 'eu-central-1', useFips: false },
    });
  });

  it('a role with everything', () => {
    const settings = {
      ...LOCAL,
      AWS_REGION: 'us-gov-west-1',
      AWS_ROLE_ARN: 'arn:aws-us-gov:iam::111122223333:role/teams/bedrock',
      AWS_ROLE_EXTERNAL_ID: 'azure:1/2',
      AWS_ROLE_SESSION_NAME: 'gw-{subscriptionId}',
      AWS_ROLE_SESSION_TAGS: 'team={subscriptionId}, product={productId}',
      AWS_ROLE_SESSION_SECONDS: '43200',
      AWS_ENDPOINT_URL_STS: 'https://vpce.sts.example/',
      AWS_USE_FIPS_ENDPOINT: 'true',
    };
    const config = readConfig(settings);
    expect(config.credentials).toMatchObject({
      base: { source: 'environment' },
      role: {
        roleArn: 'arn:aws-us-gov:iam::111122223333:role/teams/bedrock',
        partition: 'aws-us-gov',
        externalId: 'azure:1/2',
        durationSeconds: 43_200,
        sessionName: 'gw-{subscriptionId}',
        sessionTags: 'team={subscriptionId}, product={productId}',
      },
      sts: { region: 'us-gov-west-1', endpoint: 'https://vpce.sts.example', useFips: true },
    });
    expect(originIn(config)).toBe('https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com');
  });

  it.each(['api://aws', 'api://3f0c6a6e-0000-4000-8000-000000000000', 'https://aws.example/x', TENANT, 'urn:aws'])(
    'the audience %s',
    (audience) => {
      expect(problemsOf({ ...WEB_IDENTITY, AWS_WEB_IDENTITY_AUDIENCE: audience })).toStrictEqual([]);
    },
  );

  it('telemetry with everything', () => {
    const { telemetry, telemetryProblems } = readConfig({
      ...LOCAL,
      ...TELEMETRY,
      OTEL_METRIC_EXPORT_INTERVAL: '5000',
    });
    expect(telemetryProblems).toStrictEqual([]);
    expect(telemetry).toStrictEqual({
      applicationInsights: {
        connectionString: TELEMETRY.APPLICATIONINSIGHTS_CONNECTION_STRING,
        identity: { clientId: CALLER },
      },
      otlp: { protocol: 'http/protobuf' },
      metrics: true,
      traces: true,
      conventions: 'released',
      metricIntervalMs: 5000,
    });
  });

  it('entra', () => {
    const settings = {
      ...ENTRA,
      ENTRA_TENANT_ID: TENANT.toUpperCase(),
      ENTRA_AUDIENCE: ' api://proxy , proxy,, ',
      ENTRA_ALLOWED_CALLERS: `${CALLER.toUpperCase()}, ${TENANT}`,
      ENTRA_AUTHORITY: 'https://login.microsoftonline.us/',
    };
    expect(readConfig(settings).callerAuth).toStrictEqual({
      mode: 'entra',
      tenantId: TENANT,
      audiences: ['api://proxy', 'proxy'],
      allowedCallers: [CALLER, TENANT],
      authority: 'https://login.microsoftonline.us',
    });
  });

  it.each<[string, Environment, (config: Config) => unknown, unknown]>([
    ['white space around a value', { AWS_REGION: ' us-east-1 ' }, ({ regions }) => regions[0], 'us-east-1'],
    [
      'further regions, each once',
      { AWS_REGIONS: ' us-east-1, eu-central-1,eu-west-1,us-east-1 ' },
      ({ regions }) => regions.join(' '),
      'eu-central-1 us-east-1 eu-west-1',
    ],
    [
      'a region to come, with an endpoint',
      { AWS_REGIONS: 'us-east-99', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://bedrock.{region}.example' },
      ({ regions }) => regions.join(' '),
      'eu-central-1 us-east-99',
    ],
    [
      'another endpoint',
      { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example' },
      originIn,
      'https://vpce-1.example',
    ],
    [
      'a slash after it',
      { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example/' },
      originIn,
      'https://vpce-1.example',
    ],
    [
      'an endpoint with the region in its name',
      { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://bedrock.{region}.example:8443/' },
      originIn,
      'https://bedrock.eu-central-1.example:8443',
    ],
    [
      'an endpoint for a region the table does not know',
      { AWS_REGION: 'us-east-99', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example' },
      originIn,
      'https://vpce-1.example',
    ],
    ['http to 127.0.0.1', { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1:1' }, originIn, 'http://127.0.0.1:1'],
    ['http to 127.9.8.7', { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.9.8.7:1' }, originIn, 'http://127.9.8.7:1'],
    ['http to localhost', { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://localhost:1' }, originIn, 'http://localhost:1'],
    [
      'http to a name below localhost',
      { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://{region}.localhost:1' },
      originIn,
      'http://eu-central-1.localhost:1',
    ],
    ['http to ::1', { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://[::1]:1' }, originIn, 'http://[::1]:1'],
    [
      'the endpoints of other services',
      {
        AWS_ENDPOINT_URL_BEDROCK: 'https://b.example',
        AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME: 'https://r.example',
        AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: 'https://c.example',
        AWS_ENDPOINT_URL_BEDROCK_MANTLE: 'https://m.example',
      },
      ({ endpoints }) => JSON.stringify(endpoints.overrides),
      '{"bedrock":"https://b.example","bedrock-agent-runtime":"https://r.example",' +
        '"bedrock-agentcore":"https://c.example","bedrock-mantle":"https://m.example"}',
    ],
    ['groups of operations', { OPERATIONS: ' mantle, inference ' }, groupsIn, 'mantle inference'],
    [
      'no discovery by default where it has no address',
      { AWS_REGION: 'us-east-99', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example' },
      groupsIn,
      'inference',
    ],
    [
      'groups that have an address',
      {
        AWS_REGION: 'us-east-99',
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example',
        AWS_ENDPOINT_URL_BEDROCK_MANTLE: 'https://m.example',
        OPERATIONS: 'mantle,inference',
      },
      groupsIn,
      'mantle inference',
    ],
    ['the least number', { UPLOAD_TIMEOUT_SECONDS: '1' }, ({ limits }) => limits.uploadMs, 1000],
    ['the largest number', { STREAM_DEADLINE_SECONDS: '1790' }, ({ limits }) => limits.streamMs, 1_790_000],
    ['request metadata', { REQUEST_METADATA: 'true' }, ({ requestMetadata }) => requestMetadata, true],
    ['no request metadata', { REQUEST_METADATA: 'false' }, ({ requestMetadata }) => requestMetadata, false],
    ['no budgets', {}, ({ budgets }) => budgets.budgets.length, 0],
    ['budgets', { BUDGETS: ' tokens/minute=200000 ' }, ({ budgets: { budgets } }) => budgets[0]?.limit, 200_000],
    ['observed budgets', { BUDGET_MODE: 'observe' }, ({ budgets }) => budgets.mode, 'observe'],
    [
      'a store that may refuse',
      { BUDGET_ON_STORE_FAILURE: 'refuse' },
      ({ budgets }) => budgets.onStoreFailure,
      'refuse',
    ],
    [
      'a table for budgets',
      { BUDGET_TABLE_URI: 'https://st.table.core.windows.net/budgets', AZURE_CLIENT_ID: 'id', IDENTITY_ENDPOINT: 'x' },
      ({ budgets }) => JSON.stringify(budgets.table),
      '{"uri":"https://st.table.core.windows.net/budgets","managedIdentity":true,"identityClientId":"id"}',
    ],
    ['names of callers', {}, ({ callerNames }) => callerNames.mode, 'full'],
    ['no names of callers', { CALLER_NAMES: 'none' }, ({ callerNames }) => callerNames.mode, 'none'],
    [
      'hashed names of callers',
      { CALLER_NAMES: 'hashed', CALLER_NAMES_KEY: 'sixteen letters!' },
      ({ callerNames }) => callerNames.mode === 'hashed' && callerNames.key,
      'sixteen letters!',
    ],
    ['a function key', { CALLER_AUTH: 'functionKey' }, ({ callerAuth }) => callerAuth.mode, 'functionKey'],
    [
      'a session token',
      { AWS_SESSION_TOKEN: 'token' },
      ({ credentials: { base } }) => base.source === 'environment' && base.keys.sessionToken,
      'token',
    ],
  ])('%s', (_name, settings, value, expected) => {
    expect(value(readConfig({ ...LOCAL, ...settings }))).toBe(expected);
  });

  it('an empty value counts as absent', () => {
    const empty = Object.fromEntries(SETTINGS.map((name) => [name, '  ']));
    expect(readConfig({ ...empty, ...LOCAL })).toStrictEqual(readConfig(LOCAL));
    expect(problemsOf(empty)).toStrictEqual(problemsOf({}));
  });

  it('the result is frozen to the last member', () => {
    const pending: object[] = [readConfig({ ...ENTRA, ...VAULT, ...TELEMETRY }), readConfig(LOCAL)];
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      expect(Object.isFrozen(value)).toBe(true);
      pending.push(...Object.values(value).filter((inner) => typeof inner === 'object' && inner !== null));
    }
  });
});

describe('telemetry', () => {
  const KEY = TELEMETRY.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const insights = (settings: Environment) =>
    readConfig({ ...LOCAL, APPLICATIONINSIGHTS_CONNECTION_STRING: KEY, ...settings }).telemetry?.applicationInsights;
  const otlp = (settings: Environment) =>
    readConfig({ ...LOCAL, OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example', ...settings }).telemetry;

  it.each<[string, Environment, object]>([
    ['no authentication string', {}, {}],
    [
      'a system-assigned identity',
      { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD' },
      { identity: {} },
    ],
    [
      'other order and case, white space',
      { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: ` authorization = aad ; CLIENTID = ${CALLER};` },
      { identity: { clientId: CALLER } },
    ],
    ['another kind of it', { APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${CALLER}` }, {}],
  ])('Application Insights: %s', (_name, settings, expected) => {
    expect(insights(settings)).toStrictEqual({ connectionString: KEY, ...expected });
  });

  it.each<[string, Environment, object]>([
    ['protobuf by default', {}, { otlp: { protocol: 'http/protobuf' } }],
    ['JSON', { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, { otlp: { protocol: 'http/json' } }],
    ['no metrics', { OTEL_METRICS_EXPORTER: 'none' }, { metrics: false, traces: true }],
    ['no traces', { OTEL_TRACES_EXPORTER: 'none' }, { metrics: true, traces: false }],
    ['the released conventions by default', {}, { conventions: 'released' }],
    ['the next ones', { OTEL_SEMCONV_STABILITY_OPT_IN: 'gen_ai_latest_experimental' }, { conventions: 'latest' }],
    [
      'the next ones in a list',
      { OTEL_SEMCONV_STABILITY_OPT_IN: 'http/dup, gen_ai_latest_experimental' },
      { conventions: 'latest' },
    ],
    ['those of another area', { OTEL_SEMCONV_STABILITY_OPT_IN: 'http' }, { conventions: 'released' }],
    ['another exporter', { OTEL_TRACES_EXPORTER: 'otlp' }, { metrics: true, traces: true }],
  ])('OTLP: %s', (_name, settings, expected) => {
    expect(otlp(settings)).toMatchObject(expected);
  });

  it('neither metrics nor traces are nothing at all', () => {
    expect(otlp({ OTEL_METRICS_EXPORTER: 'none', OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
  });

  it.each<[string, Environment]>([
    ['APPLICATIONINSIGHTS_CONNECTION_STRING', { APPLICATIONINSIGHTS_CONNECTION_STRING: 'hidden' }],
    [
      'APPLICATIONINSIGHTS_CONNECTION_STRING',
      {
        APPLICATIONINSIGHTS_CONNECTION_STRING:
          '@Microsoft.KeyVault(SecretUri=https://hidden.vault.azure.net/secrets/a)',
      },
    ],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector.hidden:4318' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://collector.hidden' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:hidden@collector.example' }],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/?key=hidden' }],
    [
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    ],
  ])('a wrong %s costs the telemetry only: %j', (name, settings) => {
    const { telemetry, telemetryProblems } = readConfig({ ...LOCAL, ...settings });
    expect(telemetry).toBeUndefined();
    expect(telemetryProblems).toStrictEqual([expect.stringContaining(name)]);
    expect(telemetryProblems.join()).not.toContain('hidden');
  });

  it('a wrong destination leaves the other alone, and a wrong interval both', () => {
    const { telemetry, telemetryProblems } = readConfig({
      ...LOCAL,
      ...TELEMETRY,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'nonsense',
      OTEL_METRIC_EXPORT_INTERVAL: 'often',
    });
    expect(Object.keys(telemetry ?? {})).toStrictEqual([
      'applicationInsights',
      'metrics',
      'traces',
      'conventions',
      'metricIntervalMs',
    ]);
    expect(telemetry?.metricIntervalMs).toBe(60_000);
    expect(telemetryProblems).toHaveLength(2);
  });
});

describe('wrong settings', () => {
  const NUMBERS = {
    MAX_REQUEST_BYTES: 104_857_600,
    MAX_BUFFERED_BYTES: Number.MAX_SAFE_INTEGER,
    UPLOAD_TIMEOUT_SECONDS: 230,
    FIRST_BYTE_DEADLINE_SECONDS: 230,
    UPSTREAM_CONNECT_TIMEOUT_SECONDS: 230,
    UPSTREAM_HEADERS_TIMEOUT_SECONDS: 230,
    UPSTREAM_IDLE_TIMEOUT_SECONDS: 235,
    STREAM_DEADLINE_SECONDS: 1790,
    CREDENTIALS_REFRESH_SECONDS: 86_400,
  };
  const wrongNumbers = Object.entries(NUMBERS).flatMap(([name, most]) =>
    ['0', '-1', '1.5', '1e3', '0x10', 'ten', '1 0', '٣', '99999999999999999', String(BigInt(most) + 1n)].map(
      (value) => [name, { [name]: value }] as const,
    ),
  );
  it.each(wrongNumbers)('%s: %j', (name, settings) => {
    expect(problemsOf({ ...VAULT, ...settings })).toStrictEqual([expect.stringContaining(name)]);
  });

  it('memory for less than two of the largest bodies', () => {
    const settings = { ...VAULT, MAX_REQUEST_BYTES: '1000', MAX_BUFFERED_BYTES: '1999' };
    expect(problemsOf(settings)).toStrictEqual(['MAX_BUFFERED_BYTES must be at least twice MAX_REQUEST_BYTES']);
    expect(problemsOf({ ...settings, MAX_BUFFERED_BYTES: '2000' })).toStrictEqual([]);
  });

  const URLS = [
    'KEY_VAULT_URI',
    'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
    'AWS_ENDPOINT_URL_BEDROCK_MANTLE',
    'AWS_ENDPOINT_URL_STS',
    'ENTRA_AUTHORITY',
  ];
  const wrongUrls = URLS.flatMap((name) =>
    [
      'nonsense',
      'example.com',
      '//example.com',
      'ftp://example.com',
      'javascript:1',
      'http://example.com',
      'http://10.0.0.1',
      'http://127.0.0.1.example.com',
      'http://localhost.example.com',
      'http://alocalhost',
      'http://0.0.0.0',
      'https://user@example.com',
      'https://user:password@example.com',
      'https://:password@example.com',
      'https://example.com/?a=1',
      'https://example.com/#a',
    ].map((value) => [name, { [name]: value }] as const),
  );
  it.each(wrongUrls)('%s: %j', (name, settings) => {
    expect(problemsOf({ ...ENTRA, ...settings })).toStrictEqual([expect.stringContaining(name)]);
  });

  it.each<[string, Environment, readonly string[]]>([
    ['nothing at all', {}, ['AWS_REGION', 'KEY_VAULT_URI']],
    ['no keys', { AWS_REGION: 'us-east-1' }, ['KEY_VAULT_URI']],
    ['an unknown group', { ...LOCAL, OPERATIONS: 'inference,model' }, ['OPERATIONS']],
    ['an empty group', { ...LOCAL, OPERATIONS: 'inference,' }, ['OPERATIONS']],
    [
      'a group without an address',
      {
        ...LOCAL,
        AWS_REGION: 'us-east-99',
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://vpce-1.example',
        OPERATIONS: 'inference,retrieval,mantle',
      },
      ['AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME', 'AWS_ENDPOINT_URL_BEDROCK_MANTLE'],
    ],
    ['an audience without a role', { ...WEB_IDENTITY, AWS_ROLE_ARN: '' }, ['AWS_ROLE_ARN']],
    ['a role that is none', { ...LOCAL, AWS_ROLE_ARN: 'bedrock-proxy' }, ['AWS_ROLE_ARN']],
    ['a role of another partition', { ...LOCAL, AWS_ROLE_ARN: ROLE.replace(':aws:', ':aws-cn:') }, ['AWS_ROLE_ARN']],
    [
      'a role of this partition by another region',
      { ...LOCAL, AWS_REGION: 'cn-north-1', AWS_ROLE_ARN: ROLE },
      ['AWS_ROLE_ARN'],
    ],
    ['a user for a role', { ...LOCAL, AWS_ROLE_ARN: 'arn:aws:iam::111122223333:user/x' }, ['AWS_ROLE_ARN']],
    [
      'a session for a role',
      { ...LOCAL, AWS_ROLE_ARN: 'arn:aws:sts::111122223333:assumed-role/x/y' },
      ['AWS_ROLE_ARN'],
    ],
    ...['aws', 'api://', 'api://aws/.default', 'api://a b', 'https://aws.example/'].map(
      (audience): [string, Environment, readonly string[]] => [
        `the audience ${audience}`,
        { ...WEB_IDENTITY, AWS_WEB_IDENTITY_AUDIENCE: audience },
        ['AWS_WEB_IDENTITY_AUDIENCE'],
      ],
    ),
    ['an external id of one character', { ...LOCAL, AWS_ROLE_EXTERNAL_ID: 'x' }, ['AWS_ROLE_EXTERNAL_ID']],
    ['a session name with a space', { ...LOCAL, AWS_ROLE_SESSION_NAME: 'a b' }, ['AWS_ROLE_SESSION_NAME']],
    ['a session name with an unknown id', { ...LOCAL, AWS_ROLE_SESSION_NAME: '{userId}' }, ['AWS_ROLE_SESSION_NAME']],
    ['a tag without a value', { ...LOCAL, AWS_ROLE_SESSION_TAGS: 'team' }, ['AWS_ROLE_SESSION_TAGS']],
    ['a tag of AWS', { ...LOCAL, AWS_ROLE_SESSION_TAGS: 'aws:team=x' }, ['AWS_ROLE_SESSION_TAGS']],
    ['too short a session', { ...LOCAL, AWS_ROLE_SESSION_SECONDS: '899' }, ['AWS_ROLE_SESSION_SECONDS']],
    ['an endpoint with a path', { ...LOCAL, AWS_ENDPOINT_URL_STS: 'https://sts.example/x' }, ['AWS_ENDPOINT_URL_STS']],
    ['half a key', { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKID' }, ['AWS_SECRET_ACCESS_KEY']],
    ['the other half', { AWS_REGION: 'us-east-1', AWS_SECRET_ACCESS_KEY: 'x' }, ['AWS_ACCESS_KEY_ID']],
    ['no region', { ...LOCAL, AWS_REGION: undefined }, ['AWS_REGION']],
    ['an unknown region', { ...LOCAL, AWS_REGION: 'us-east-99' }, ['AWS_REGION']],
    ['an unknown further region', { ...LOCAL, AWS_REGIONS: 'eu-west-1,us-east-99' }, ['AWS_REGIONS']],
    ['a further region that is none', { ...LOCAL, AWS_REGIONS: 'eu-west-1;us-east-1' }, ['AWS_REGIONS']],
    ['a further region of another partition', { ...LOCAL, AWS_REGIONS: 'us-gov-west-1' }, ['AWS_REGIONS']],
    [
      'one of the two secrets',
      { ...VAULT, AWS_ACCESS_KEY_ID_SECRET_NAME: 'id' },
      ['AWS_SECRET_ACCESS_KEY_SECRET_NAME'],
    ],
    ['the other', { ...VAULT, AWS_SECRET_ACCESS_KEY_SECRET_NAME: 'id' }, ['AWS_ACCESS_KEY_ID_SECRET_NAME']],
    [
      'an endpoint with a path',
      { ...LOCAL, AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'https://a.example/b' },
      ['AWS_ENDPOINT_URL'],
    ],
    ['a flag in capitals', { ...LOCAL, REQUEST_METADATA: 'True' }, ['REQUEST_METADATA']],
    ['a flag that is a number', { ...LOCAL, REQUEST_METADATA: '1' }, ['REQUEST_METADATA']],
    ['a flag that is a word', { ...LOCAL, REQUEST_METADATA: 'yes' }, ['REQUEST_METADATA']],
    ['another mode', { ...LOCAL, CALLER_AUTH: 'Entra' }, ['CALLER_AUTH']],
    ['another way with names', { ...LOCAL, CALLER_NAMES: 'Hashed' }, ['CALLER_NAMES must be']],
    ['hashed names without a key', { ...LOCAL, CALLER_NAMES: 'hashed' }, ['CALLER_NAMES_KEY is missing']],
    [
      'hashed names with a short key',
      { ...LOCAL, CALLER_NAMES: 'hashed', CALLER_NAMES_KEY: 'fifteen letters' },
      ['CALLER_NAMES_KEY must have'],
    ],
    [
      'hashed names with a key that the platform could not read',
      {
        ...LOCAL,
        CALLER_NAMES: 'hashed',
        CALLER_NAMES_KEY: '@Microsoft.KeyVault(SecretUri=https://kv.vault.azure.net/secrets/names)',
      },
      ['CALLER_NAMES_KEY is an unresolved'],
    ],
    [
      'entra with nothing else',
      { ...LOCAL, CALLER_AUTH: 'entra' },
      ['ENTRA_TENANT_ID', 'ENTRA_AUDIENCE', 'ENTRA_ALLOWED_CALLERS'],
    ],
    ['a tenant that is no GUID', { ...ENTRA, ENTRA_TENANT_ID: 'common' }, ['ENTRA_TENANT_ID']],
    ['audiences without one', { ...ENTRA, ENTRA_AUDIENCE: ' , ' }, ['ENTRA_AUDIENCE']],
    ['callers without one', { ...ENTRA, ENTRA_ALLOWED_CALLERS: ',' }, ['ENTRA_ALLOWED_CALLERS']],
    [
      'a malformed vault beside others',
      { ...VAULT, KEY_VAULT_URI: 'http://example.com', CREDENTIALS_REFRESH_SECONDS: '0' },
      ['KEY_VAULT_URI', 'CREDENTIALS_REFRESH_SECONDS'],
    ],
    [
      'many at once',
      { AWS_REGION: 'here', KEY_VAULT_URI: 'x', CALLER_AUTH: 'none', MAX_REQUEST_BYTES: '-', MAX_BUFFERED_BYTES: '-' },
      ['AWS_REGION', 'KEY_VAULT_URI', 'CALLER_AUTH', 'MAX_REQUEST_BYTES', 'MAX_BUFFERED_BYTES'],
    ],
  ])('%s', (_name, settings, names) => {
    const problems = problemsOf(settings);
    expect(problems).toHaveLength(names.length);
    for (const name of names) expect(problems.join('; ')).toContain(name);
  });

  it.each([
    [{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'AKID' }, 'AWS_SECRET_ACCESS_KEY'],
    [{ AWS_REGION: 'us-east-1', AWS_SECRET_ACCESS_KEY: 'x' }, 'AWS_ACCESS_KEY_ID'],
    [{ ...VAULT, AWS_ACCESS_KEY_ID_SECRET_NAME: 'id' }, 'AWS_SECRET_ACCESS_KEY_SECRET_NAME'],
    [{ ...VAULT, AWS_SECRET_ACCESS_KEY_SECRET_NAME: 'id' }, 'AWS_ACCESS_KEY_ID_SECRET_NAME'],
  ])('of a pair, only what is missing is named: %j', (settings, missing) => {
    expect(problemsOf(settings)).toStrictEqual([`${missing} is missing (the other of the pair is set)`]);
  });

  it.each([
    'US-EAST-1',
    'us_east_1',
    'useast1',
    'us-east',
    'us-east-1a',
    '../us-east-1',
    'us-east-1.evil',
    'a-b-1\n.c',
  ])('the region %j', (region) => {
    expect(problemsOf({ ...LOCAL, AWS_REGION: region })).toStrictEqual([expect.stringContaining('AWS_REGION')]);
  });

  it.each(['AWS_CREDENTIALS_SECRET_NAME', 'AWS_ACCESS_KEY_ID_SECRET_NAME', 'AWS_SECRET_ACCESS_KEY_SECRET_NAME'])(
    '%s names no secret that could be',
    (name) => {
      const pair = { AWS_ACCESS_KEY_ID_SECRET_NAME: 'id', AWS_SECRET_ACCESS_KEY_SECRET_NAME: 'secret' };
      const settings = { ...VAULT, ...(name in pair ? pair : {}), [name]: 'a/b' };
      expect(problemsOf(settings)).toStrictEqual([expect.stringMatching(new RegExp(`\\b${name}\\b`))]);
    },
  );

  it('no value is repeated', () => {
    const environment = Object.fromEntries(SETTINGS.map((name) => [name, 'wrong?hidden']));
    for (const settings of [environment, { ...environment, ...VAULT }, { ...environment, CALLER_AUTH: 'entra' }]) {
      expect(problemsOf(settings)).not.toHaveLength(0);
      expect(() => readConfig(settings)).toThrow(
        expect.objectContaining({ message: expect.not.stringMatching('hidden') }),
      );
    }
  });
});

describe('the list of settings', () => {
  it('holds exactly what is read', () => {
    const read = new Set<string>();
    const hashed = { CALLER_NAMES: 'hashed', CALLER_NAMES_KEY: 'sixteen letters!' };
    for (const settings of [{ ...LOCAL, ...hashed }, VAULT, WEB_IDENTITY, ENTRA, { ...LOCAL, ...TELEMETRY }]) {
      const environment: Environment = new Proxy<Record<string, string>>(settings, {
        get(target, name) {
          read.add(String(name));
          return Reflect.get(target, name);
        },
      });
      readConfig(environment);
    }
    expect([...read].toSorted()).toStrictEqual([...SETTINGS].toSorted());
  });

  const example = join(root, 'local.settings.json.example');
  it.runIf(existsSync(example))('covers local.settings.json.example', () => {
    const { Values: values } = JSON.parse(readFileSync(example, 'utf8'));
    const platform = ['FUNCTIONS_WORKER_RUNTIME', 'AzureWebJobsStorage'];
    expect(new Set<string>([...SETTINGS, ...platform])).toEqual(
      expect.toSatisfy((known: Set<string>) => Object.keys(values).every((name) => known.has(name))),
    );
  });
});
