import { describe, expect, it } from 'vitest';

import { readConfig } from '../../src/config/config.ts';
import { SETTINGS } from '../../src/config/settings.ts';
import { at, type Expansion, type Expansions, ofType, TENANT } from './expand.ts';

/** Settings that the template leaves at their defaults; appSettings may set any of them. */
const LEFT_AT_DEFAULT = [
  'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
  'AWS_ENDPOINT_URL_BEDROCK',
  'AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME',
  'AWS_ENDPOINT_URL_BEDROCK_AGENTCORE',
  'AWS_ENDPOINT_URL_BEDROCK_MANTLE',
  'CALLER_NAMES',
  'CALLER_NAMES_KEY',
  'FIRST_BYTE_DEADLINE_SECONDS',
  'MAX_BUFFERED_BYTES',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_METRICS_EXPORTER',
  'OTEL_METRIC_EXPORT_INTERVAL',
  'OTEL_SEMCONV_STABILITY_OPT_IN',
  'OTEL_TRACES_EXPORTER',
  'REQUEST_METADATA',
  'STREAM_DEADLINE_SECONDS',
  'BUDGETS',
  'BUDGET_MODE',
  'BUDGET_ON_STORE_FAILURE',
  'UPLOAD_TIMEOUT_SECONDS',
  'UPSTREAM_CONNECT_TIMEOUT_SECONDS',
  'UPSTREAM_HEADERS_TIMEOUT_SECONDS',
  'UPSTREAM_IDLE_TIMEOUT_SECONDS',
];
/** Settings of other layouts: keys in the environment (local development), two secrets instead of one, an AWS role. */
const OF_OTHER_LAYOUTS = [
  'AWS_ENDPOINT_URL_STS',
  'AWS_REGIONS',
  'AWS_ROLE_ARN',
  'AWS_ROLE_EXTERNAL_ID',
  'AWS_ROLE_SESSION_NAME',
  'AWS_ROLE_SESSION_SECONDS',
  'AWS_ROLE_SESSION_TAGS',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_WEB_IDENTITY_AUDIENCE',
  'AWS_ACCESS_KEY_ID',
  'AWS_ACCESS_KEY_ID_SECRET_NAME',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SECRET_ACCESS_KEY_SECRET_NAME',
  'AWS_SESSION_TOKEN',
];
/** Set by App Service itself. */
const OF_APP_SERVICE = ['IDENTITY_ENDPOINT'];
/** Read by the Functions platform; the first two and the last by the function's telemetry as well. */
const OF_THE_PLATFORM = [
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'AzureWebJobsStorage__blobServiceUri',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__credential',
  'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
];

/** The app, its plan and its settings. */
export function checkApp(read: () => Expansions): void {
  describe('function app', () => {
    const settingsOf = (expansion: Expansion): Record<string, string> => {
      const [app] = ofType(expansion, 'Microsoft.Web/sites');
      const pairs = at(app, 'properties', 'siteConfig', 'appSettings') as { name: string; value: string }[];
      return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
    };
    const additional = ['STREAM_DEADLINE_SECONDS'];
    const sorted = (names: Iterable<string>) => [...names].toSorted();

    it('has the host read no larger body than the gateway and the function accept', () => {
      for (const expansion of Object.values(read())) {
        const { FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: limit, MAX_REQUEST_BYTES: largest } = settingsOf(expansion);
        expect(limit).toBeDefined();
        expect(limit).toBe(largest);
      }
    });

    it('sets every setting of config.ts but the ones named here, and nothing that nobody reads', () => {
      const { existing } = read();
      const set = Object.keys(settingsOf(existing)).filter((name) => !additional.includes(name));
      const notSet = [...LEFT_AT_DEFAULT, ...OF_OTHER_LAYOUTS, ...OF_APP_SERVICE];
      expect(sorted([...set, ...notSet])).toEqual(sorted(new Set([...SETTINGS, ...OF_THE_PLATFORM])));
      expect(settingsOf(existing)['STREAM_DEADLINE_SECONDS']).toBe('900');
    });

    it('has the host send the traces of all requests, or of the percentage that is given', () => {
      const samplerOf = (expansion: Expansion) => {
        const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share } = settingsOf(expansion);
        return [sampler, share];
      };
      const { existing, created, pool } = read();
      expect(samplerOf(existing)).toEqual(['microsoft.fixed_percentage', '1']);
      expect(samplerOf(created)).toEqual(['microsoft.fixed_percentage', '0.05']);
      expect(samplerOf(pool)).toEqual(['microsoft.fixed_percentage', '0.00']);
    });

    it('sets nothing for Entra when callers show a function key', () => {
      const { existing, functionKey } = read();
      const entra = SETTINGS.filter((name) => name.startsWith('ENTRA_'));
      expect(sorted([...Object.keys(settingsOf(functionKey)), ...entra, ...additional])).toEqual(
        sorted(Object.keys(settingsOf(existing))),
      );
    });

    it('has further regions of Bedrock where they are named', () => {
      const { existing, pool } = read();
      expect(settingsOf(pool)).toMatchObject({ AWS_REGION: 'eu-central-1', AWS_REGIONS: 'eu-west-1,eu-north-1' });
      expect(settingsOf(existing)).not.toHaveProperty('AWS_REGIONS');
    });

    it('starts with what it is given: config.ts accepts the values', () => {
      const { existing, functionKey } = read();
      const fromAzure: Record<string, string> = {
        BUDGET_TABLE_URI: 'https://stcontoso.table.core.windows.net/budgets',
        AZURE_CLIENT_ID: '22222222-2222-2222-2222-222222222222',
        ENTRA_ALLOWED_CALLERS: '33333333-3333-3333-3333-333333333333',
        ENTRA_AUTHORITY: 'https://login.microsoftonline.com/',
        KEY_VAULT_URI: 'https://kv-contoso.vault.azure.net/',
        APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${TENANT};IngestionEndpoint=https://weu-1.in.example/`,
        APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=22222222-2222-2222-2222-222222222222;Authorization=AAD',
      };
      for (const expansion of [existing, functionKey]) {
        const environment = { ...settingsOf(expansion), IDENTITY_ENDPOINT: 'http://127.0.0.1:1/' };
        for (const [name, value] of Object.entries(fromAzure)) {
          if (name in environment) Object.assign(environment, { [name]: value });
        }
        const config = readConfig(environment);
        expect(config).toMatchObject({
          regions: ['eu-central-1'],
          credentials: { base: { source: 'keyVault', vault: { managedIdentity: true } } },
          callerAuth: { mode: expansion === existing ? 'entra' : 'functionKey' },
          telemetry: { applicationInsights: { identity: { clientId: '22222222-2222-2222-2222-222222222222' } } },
          telemetryProblems: [],
        });
      }
      // The identity that may publish: local authentication of the component is off.
      expect(settingsOf(existing)['APPLICATIONINSIGHTS_AUTHENTICATION_STRING']).toMatch(
        /^\[format\('ClientId=\{0\};Authorization=AAD', reference\(.*\.outputs\.clientId\.value\)\]$/,
      );
      const clientId = '11111111-1111-1111-1111-111111111111';
      expect(settingsOf(existing)).toMatchObject({
        ENTRA_AUDIENCE: `${clientId},api://${clientId}`,
        ENTRA_TENANT_ID: TENANT,
        ENTRA_ALLOWED_CALLERS: expect.stringMatching(/gateway.*\.outputs\.principalId\.value\]$/),
      });
    });

    it('lets streams end before an instance is replaced where that is asked for, and says nothing where not', () => {
      const strategyOf = (expansion: Expansion) =>
        at(ofType(expansion, 'Microsoft.Web/sites')[0], 'properties', 'functionAppConfig', 'siteUpdateStrategy');
      const { existing, vnet } = read();
      expect(strategyOf(existing)).toBeUndefined();
      expect(strategyOf(vnet)).toEqual({ type: 'RollingUpdate' });
    });

    it('runs on Flex Consumption without any setting that this plan forbids', () => {
      const { existing, created, pool } = read();
      expect(ofType(existing, 'Microsoft.Web/serverfarms')[0]).toMatchObject({
        sku: { name: 'FC1', tier: 'FlexConsumption' },
        properties: { reserved: true },
      });
      const configOf = (expansion: Expansion) =>
        at(ofType(expansion, 'Microsoft.Web/sites')[0], 'properties', 'functionAppConfig');
      expect(configOf(existing)).toMatchObject({
        runtime: { name: 'node', version: '24' },
        deployment: { storage: { type: 'blobContainer', authentication: { type: 'UserAssignedIdentity' } } },
        scaleAndConcurrency: { alwaysReady: [], triggers: { http: { perInstanceConcurrency: 100 } } },
      });
      expect(configOf(pool)).toMatchObject({ runtime: { version: '22' } });
      expect(configOf(created)).toMatchObject({
        scaleAndConcurrency: { alwaysReady: [{ name: 'http', instanceCount: 1 }] },
      });
      const forbidden =
        /^(FUNCTIONS_WORKER_RUNTIME|FUNCTIONS_EXTENSION_VERSION|WEBSITE_|SCM_|ENABLE_ORYX_BUILD|AzureWebJobsStorage$)/;
      for (const [name, expansion] of Object.entries(read())) {
        expect(
          Object.keys(settingsOf(expansion)).filter((setting) => forbidden.test(setting)),
          name,
        ).toEqual([]);
      }
    });
  });
}
