import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { zipSync } from 'fflate';

import { type Chain, startChain } from '../../emulators/chain.ts';
import {
  API,
  assignment,
  GATEWAY_PRINCIPAL,
  holdRoles,
  dependenciesOf,
  exportedBy,
  IDS,
  linesOf,
  POLICY,
  query,
  SECRET,
  startWorld,
  TAGS,
  type World,
} from './azure-state.ts';
import { expectSaid, type Said } from './said.ts';
import { EVENT_DELAY_MS, statuses, verify } from './verified.ts';

let chain: Chain;
let world: World;
beforeAll(async () => {
  chain = await startChain({
    eventDelayMs: EVENT_DELAY_MS,
    telemetry: 'applicationInsights',
    settings: { OTEL_BSP_SCHEDULE_DELAY: '50' },
  });
  // Loads the library of the language, which is slow, before somebody waits for an answer.
  query('AppTraces | project Message', []);
});
afterAll(() => chain.close());
beforeEach(async () => {
  world = await startWorld(chain);
});
afterEach(() => world.close());

const NOW = Math.floor(Date.now() / 1000);
const DAY = 86_400;

function zip(text: string, year: number): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.from(zipSync({ 'dist/index.cjs': bytes, 'host.json': bytes }, { mtime: new Date(`${year}-06-01`) }));
}

const PACKAGE = '/app-package/released-package.zip';

it('finds nothing wrong with a deployment that is right', async () => {
  world.local = zip('code', 2020);
  world.azure.hold(PACKAGE, zip('code', 2021));
  // The spans as the function has exported them, which takes a moment: until then there are none.
  world.azure.hold('/v1/workspaces/workspace/query', (_, body) => {
    const text = String(JSON.parse(body).query);
    const exported = exportedBy(chain);
    const known = new Set(exported.map(({ Properties }) => Properties['faas.invocation_id']));
    const asked = Array.from(text.matchAll(/'([\da-f-]{36})'/g), ([, id]) => id);
    const isThere = !text.includes('AppDependencies') || asked.every((id) => known.has(id));
    return isThere ? query(text, linesOf(chain), exported) : { tables: [{ rows: [] }] };
  });
  const results = await verify(chain.gateway, { azure: await world.look(), logMs: 120_000 });
  expect(results['20']?.evidence).toMatch(/their models/);
  expect(statuses(results)).toStrictEqual({
    ok: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20'],
    skipped: ['19b'],
  });
  expect(results['1']?.evidence).toBe('az 2.80.0, azd 1.23.5; subscription 00000000-0000-0000-0000-000000000001');
  expect(results['4']?.evidence).toBe(
    'func-abc is Running, Node.js 24, 0 instances kept warm, updates end running streams',
  );
  expect(results['5']?.evidence).toMatch(/^2 files, all the same \(SHA-256 [\da-f]{16}…\)$/);
  expect(results['10']?.evidence).toBe('apim-contoso (Premium), API bedrock, policy as here, HTTP/2 on');
  expect(results['15']?.evidence).toBe('gateway, audience and settings agree; the registration is in order');
  expect(results['20']?.evidence).toMatch(
    /^\d+ calls, \d+ records, with their models and tokens; \d+ traces, with the gateway; 1 alert rules tell somebody$/,
  );
});

/** What is done to the world, and what the check says of it. */
type Case = readonly [what: string, spoil: (world: World) => unknown, said: Said];

const change = (path: string, properties: object) => (spoiled: World) =>
  spoiled.azure.change(path, (held) => ({ ...held, properties: { ...(held['properties'] as object), ...properties } }));
const policy = (value: string) => change(`${API}/policies/policy`, { value });
const settings = (more: object) => change(`${IDS.site}/config/appsettings/list`, more);
const NEEDS_13 = ['1', '3', '11', '12', '13'];

const CASES: Readonly<Record<string, readonly Case[]>> = {
  1: [
    [
      'az works in another subscription',
      ({ tools }) =>
        (tools['az account show'] = { found: { id: 'other', tenantId: '00000000-0000-0000-0000-000000000002' } }),
      {
        status: 'failed',
        evidence: /az works in the subscription other/,
        remedy: /^az login --tenant .* az account set --subscription 0/,
      },
    ],
    [
      'az is signed in to another tenant',
      ({ tools }) =>
        (tools['az account show'] = { found: { id: '00000000-0000-0000-0000-000000000001', tenantId: 'other' } }),
      { status: 'failed', evidence: /az is signed in to the tenant other/, remedy: /^az login --tenant 0/ },
    ],
    [
      'nobody is signed in',
      ({ tools }) => (tools['az account show'] = { why: "az account show: Please run 'az login'" }),
      { status: 'skipped', evidence: /nobody is signed in to az: az login/ },
    ],
    [
      'azd is of another deployment',
      ({ tools }) =>
        (tools['azd env get-values'] = { found: { AZURE_ENV_NAME: 'dev', BEDROCK_API_URL: 'https://other/x' } }),
      { status: 'skipped', evidence: /^azd's environment dev is of https:\/\/other\/x, not of this URL; --group/ },
    ],
  ],
  2: [
    [
      'a provider is not registered',
      ({ azure }) => azure.hold(`${IDS.subscription}/providers/Microsoft.Web`, { registrationState: 'NotRegistered' }),
      {
        status: 'failed',
        evidence: 'Microsoft.Web is NotRegistered',
        remedy: /^az provider register --namespace Microsoft\.Web --wait/,
      },
    ],
    [
      'that of Container Apps is not, with a network',
      ({ azure, tools }) => {
        const held = tools['azd env get-values'] as { found: object };
        tools['azd env get-values'] = { found: { ...held.found, VNET_ENABLED: 'true' } };
        azure.hold(`${IDS.subscription}/providers/Microsoft.App`, { registrationState: 'NotRegistered' });
      },
      { status: 'failed', evidence: 'Microsoft.App is NotRegistered', remedy: /--namespace Microsoft\.App --wait/ },
    ],
    [
      'nobody may look',
      ({ azure }) => azure.forbid(`${IDS.subscription}/providers/Microsoft.Web`),
      {
        status: 'skipped',
        evidence: /^whoever is signed in may not look at providers\/Microsoft\.Web: 403 AuthorizationFailed/,
      },
    ],
  ],
  3: [
    [
      'the storage is missing, and the deployment says why',
      ({ azure }) => {
        azure.hold(
          `${IDS.group}/resources`,
          [IDS.plan, IDS.site, IDS.identity, IDS.component].map((id) => ({
            id,
            type: /providers\/([^/]+\/[^/]+)/.exec(id)?.[1],
            tags: TAGS,
          })),
        );
        azure.hold(`${IDS.group}/providers/Microsoft.Resources/deployments`, [
          { properties: { timestamp: '2026-01-01', error: { code: 'Old', message: 'Old.' } } },
          {
            properties: {
              timestamp: '2026-11-01',
              error: {
                code: 'DeploymentFailed',
                message: 'x',
                details: [{ code: 'StorageAccountAlreadyTaken', message: 'The name is in use.' }],
              },
            },
          },
        ]);
      },
      {
        status: 'failed',
        evidence:
          'there is no Microsoft.Storage/storageAccounts in rg-prod; the last failed deployment says: StorageAccountAlreadyTaken: The name is in use.',
        remedy: 'Mend what the deployment says, then azd provision',
      },
    ],
    [
      'one was not provisioned',
      ({ azure }) =>
        azure.hold(
          `${IDS.group}/resources`,
          [IDS.plan, IDS.site, IDS.storage, IDS.identity, IDS.component].map((id) => ({
            id,
            name: id.split('/').at(-1),
            type: /providers\/([^/]+\/[^/]+)/.exec(id)?.[1],
            tags: TAGS,
            provisioningState: id === IDS.plan ? 'Failed' : 'Succeeded',
          })),
        ),
      { status: 'failed', evidence: 'plan-abc is Failed', remedy: 'Mend what the deployment says, then azd provision' },
    ],
    [
      'the group is missing',
      ({ azure }) => azure.remove(`${IDS.group}/resources`),
      { status: 'failed', evidence: 'the resource group rg-prod is missing', remedy: 'azd up' },
    ],
  ],
  4: [
    [
      'the app is stopped',
      change(IDS.site, { state: 'Stopped' }),
      { status: 'failed', evidence: 'func-abc is Stopped', remedy: /^az functionapp start --name func-abc/ },
    ],
    [
      'a setting is missing',
      settings({ AWS_REGION: '' }),
      { status: 'failed', evidence: /AWS_REGION is missing/, remedy: /^Mend the settings that it names/ },
    ],
    [
      'a setting is not for Flex',
      settings({ WEBSITE_RUN_FROM_PACKAGE: '1' }),
      { status: 'failed', evidence: /does not take the setting WEBSITE_RUN_FROM_PACKAGE/, remedy: /^Take it out/ },
    ],
    [
      'the region does not offer the version',
      ({ azure }) =>
        azure.change(
          IDS.site,
          (held) =>
            JSON.parse(JSON.stringify(held).replace('"version":"24"', '"version":"18"')) as Record<string, unknown>,
        ),
      { status: 'failed', evidence: /^Node\.js 18 is not offered/, remedy: /PROXY_NODE_VERSION/ },
    ],
    [
      'one instance is kept warm',
      ({ azure }) =>
        azure.change(
          IDS.site,
          (held) =>
            JSON.parse(
              JSON.stringify(held).replace('"alwaysReady":[]', '"alwaysReady":[{"name":"http","instanceCount":1}]'),
            ) as Record<string, unknown>,
        ),
      { status: 'warning', evidence: /, 1 instances kept warm,/, remedy: /ALWAYS_READY_INSTANCES 2$/ },
    ],
    [
      'nobody may read the settings',
      ({ azure }) => azure.forbid(`${IDS.site}/config`),
      { status: 'skipped', evidence: /may not look at/ },
    ],
  ],
  5: [
    [
      'another package is deployed',
      (spoiled) => {
        spoiled.local = zip('code', 2020);
        spoiled.azure.hold(PACKAGE, zip('older code', 2020));
      },
      { status: 'failed', evidence: /^2 files differ: dist\/index\.cjs, host\.json/, remedy: /^azd deploy/ },
    ],
    [
      'no package is deployed',
      (spoiled) => (spoiled.local = zip('code', 2020)),
      { status: 'failed', evidence: 'the package is missing', remedy: 'azd deploy' },
    ],
    ['there is none to compare with', () => {}, { status: 'skipped', evidence: /npm run package$/ }],
    [
      'nobody may read it',
      (spoiled) => {
        spoiled.local = zip('code', 2020);
        spoiled.azure.forbid('/app-package');
      },
      { status: 'skipped', evidence: /\(it takes Storage Blob Data Reader/ },
    ],
  ],
  6: [
    [
      'the app may not read the vault',
      ({ azure }) =>
        holdRoles(azure, [
          assignment('b7e6dc6d-f1e8-4753-8033-0f276bb0955b', IDS.storage),
          assignment('0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', `${IDS.storage}/tableServices/default/tables/budgets`),
          assignment('3913510d-42f4-4e42-8a64-420c390055eb', IDS.component),
        ]),
      {
        status: 'failed',
        evidence: /^the app's identity id-abc lacks Key Vault Secrets User/,
        remedy: /^azd provision, by somebody who may assign roles/,
      },
    ],
    [
      'the gateway may not send telemetry',
      ({ azure }) => holdRoles(azure, rolesOfTheApp()),
      { status: 'failed', evidence: /^the gateway lacks Monitoring Metrics Publisher/, remedy: /^azd provision/ },
    ],
    [
      'the app has one more',
      ({ azure }) =>
        holdRoles(azure, [
          ...rolesOfTheApp(),
          assignment('3913510d-42f4-4e42-8a64-420c390055eb', IDS.component, GATEWAY_PRINCIPAL),
          assignment('8e3af657-a8ff-443c-a75c-2fe8c4bcb635', IDS.subscription),
        ]),
      {
        status: 'warning',
        evidence: /has 1 more, on subscriptions\/0/,
        remedy: /^Take away what the template has not given/,
      },
    ],
  ],
  7: [
    [
      'there is no secret',
      ({ azure }) => azure.remove(SECRET),
      {
        status: 'failed',
        evidence: 'the secret aws-credentials in kv-abc is missing',
        remedy: 'infra/scripts/store-aws-credentials.ts',
      },
    ],
    [
      'it is disabled',
      change(SECRET, { attributes: { enabled: false, created: NOW } }),
      {
        status: 'failed',
        evidence: 'the secret aws-credentials is disabled',
        remedy: /^Enable it, or infra\/scripts\/store/,
      },
    ],
    [
      'it has expired',
      change(SECRET, { attributes: { enabled: true, created: NOW, exp: NOW - DAY } }),
      { status: 'failed', evidence: 'the secret aws-credentials has expired', remedy: /rotate-aws-keys\.ts/ },
    ],
    [
      'it is old',
      change(SECRET, { attributes: { enabled: true, created: NOW - 100 * DAY } }),
      { status: 'warning', evidence: 'aws-credentials is enabled, 100 days old', remedy: /rotate-aws-keys\.ts/ },
    ],
    [
      'nobody logs who reads it',
      ({ azure }) => azure.hold(`${IDS.vault}/providers/Microsoft.Insights/diagnosticSettings`, []),
      { status: 'warning', evidence: /nobody logs who reads it$/, remedy: 'azd provision' },
    ],
    [
      'nobody may look',
      ({ azure }) => azure.forbid(SECRET),
      { status: 'skipped', evidence: /may not look at secrets\/aws-credentials/ },
    ],
    [
      'no key is kept',
      ({ tools }) => {
        const held = tools['azd env get-values'] as { found: object };
        tools['azd env get-values'] = { found: { ...held.found, AZURE_KEY_VAULT_NAME: '' } };
      },
      { status: 'skipped', evidence: /keeps no AWS key/ },
    ],
  ],
  8: [
    [
      'anybody reaches the app',
      ({ hosts }) => (hosts['func-abc.azurewebsites.net/health'] = 401),
      {
        status: 'failed',
        evidence: /^401 of func-abc\.azurewebsites\.net\/health from here/,
        remedy: /GATEWAY_ADDRESSES/,
      },
    ],
    [
      'the app is private',
      (spoiled) => {
        change(IDS.site, { publicNetworkAccess: 'Disabled' })(spoiled);
        delete spoiled.hosts['func-abc.azurewebsites.net/health'];
      },
      { status: 'ok', evidence: /^the app has no public endpoint/ },
    ],
    [
      'this machine is in the network of the app',
      (spoiled) => {
        change(IDS.site, { publicNetworkAccess: 'Disabled' })(spoiled);
        spoiled.hosts['func-abc.azurewebsites.net/health'] = 401;
      },
      { status: 'ok', evidence: /by the app: this machine is in its network$/ },
    ],
    [
      'there is no way to see',
      ({ hosts }) => delete hosts['func-abc.azurewebsites.net/health'],
      { status: 'skipped', evidence: /^from here there is no way to func-abc/ },
    ],
  ],
  9: [
    [
      'passwords are allowed',
      ({ azure }) => azure.hold(`${IDS.site}/basicPublishingCredentialsPolicies/scm`, { properties: { allow: true } }),
      { status: 'failed', evidence: 'passwords are allowed for scm', remedy: /^azd provision/ },
    ],
    [
      'scm asks for no token',
      ({ hosts }) => (hosts['func-abc.scm.azurewebsites.net/api/settings'] = 200),
      { status: 'failed', evidence: 'scm says 200 without a token', remedy: /the authentication of scm$/ },
    ],
  ],
  10: [
    [
      'the policy is stale',
      policy(POLICY.replace('<set-header name="x-gateway-budgets" exists-action="delete" />', '')),
      {
        status: 'failed',
        evidence:
          /^the policy differs from infra\/gateway\/policies\/bedrock\.xml, statement \d+ of \d+: here <set-header name="x-gateway-budgets"/,
        remedy: /^azd provision/,
      },
    ],
    [
      'the policy has a rule more',
      policy(POLICY.replace('<!-- Rules of your own', '<set-header name="x" exists-action="delete" /><!-- Rules')),
      {
        status: 'failed',
        evidence: /there <set-header name="x" exists-action="delete"/,
        remedy: /commit your rule$/,
      },
    ],
    [
      'another environment has the API',
      change(`${IDS.gateway}/backends/bedrock-proxy`, { url: 'https://func-other.azurewebsites.net' }),
      {
        status: 'failed',
        evidence: 'the backend bedrock-proxy leads to func-other.azurewebsites.net, not to func-abc.azurewebsites.net',
        remedy: /^Another environment has taken this API over/,
      },
    ],
    [
      'the tier collects',
      ({ azure }) => azure.change(IDS.gateway, (held) => ({ ...held, sku: { name: 'Consumption' } })),
      { status: 'failed', evidence: 'the tier Consumption collects answers', remedy: /^Another tier/ },
    ],
    [
      'no API has the path',
      ({ azure }) => azure.hold(`${IDS.gateway}/apis`, []),
      { status: 'failed', evidence: 'an API at the path bedrock is missing', remedy: 'azd provision' },
    ],
    [
      'an operation is missing',
      ({ azure }) => azure.hold(`${API}/operations`, [{ properties: { method: 'POST', urlTemplate: '/model/*' } }]),
      { status: 'failed', evidence: /^the API has no operation POST \/guardrail\/\*$/, remedy: 'azd provision' },
    ],
    [
      'the limits differ',
      change(`${IDS.gateway}/namedValues/bedrock-max-request-bytes`, { value: '1' }),
      {
        status: 'failed',
        evidence: 'bedrock-max-request-bytes is 1, MAX_REQUEST_BYTES of the app 4194304',
        remedy: 'azd provision',
      },
    ],
    [
      'a named value is missing',
      ({ azure }) => azure.remove(`${IDS.gateway}/namedValues/bedrock-proxy-audience`),
      {
        status: 'failed',
        evidence: 'the named value bedrock-proxy-audience is missing',
        remedy: 'azd provision',
      },
    ],
    [
      'bodies are logged above',
      ({ azure }) =>
        azure.hold(`${IDS.gateway}/diagnostics`, [
          { name: 'other', properties: { backend: { response: { body: { bytes: 8192 } } } } },
        ]),
      {
        status: 'failed',
        evidence: 'the diagnostic other logs bodies, which collects answers',
        remedy: /^Set its bytes of bodies to 0/,
      },
    ],
    [
      'all APIs read answers',
      ({ azure }) =>
        azure.hold(`${IDS.gateway}/policies/policy`, {
          properties: { value: '<policies><outbound><find-and-replace from="a" to="b" /></outbound></policies>' },
        }),
      {
        status: 'warning',
        evidence: 'the policy of all APIs reads answers: find-and-replace',
        remedy: /^If 19 fails: take <base \/> out/,
      },
    ],
    [
      'a user-assigned identity is no difference',
      policy(
        POLICY.replace(
          '"{{bedrock-proxy-audience}}" />',
          '"{{bedrock-proxy-audience}}" client-id="{{bedrock-proxy-audience}}" />',
        ),
      ),
      { status: 'ok', evidence: /policy as here/ },
    ],
    [
      'calls need no key',
      ({ azure }) =>
        azure.hold(`${IDS.gateway}/apis`, [
          { id: API, name: 'bedrock', properties: { path: 'bedrock', subscriptionRequired: false } },
        ]),
      { status: 'failed', evidence: 'the API wants no key', remedy: 'azd provision' },
    ],
    [
      'the policy names no backend',
      policy(POLICY.replace('<set-backend-service backend-id="bedrock-proxy" />', '')),
      { status: 'failed', evidence: /^the policy names no backend/, remedy: 'azd provision' },
    ],
    [
      'nobody may look at the gateway',
      ({ azure }) => azure.forbid(IDS.gateway),
      { status: 'skipped', evidence: /may not look at service\/apim-contoso/ },
    ],
  ],
  15: [
    [
      'the identity was made anew',
      ({ azure }) => azure.change(IDS.gateway, (held) => ({ ...held, identity: { principalId: 'new' } })),
      {
        status: 'failed',
        evidence: `the gateway is new, ENTRA_ALLOWED_CALLERS is ${GATEWAY_PRINCIPAL}`,
        remedy: /^azd provision/,
      },
    ],
    [
      'the audience differs',
      change(`${IDS.gateway}/namedValues/bedrock-proxy-audience`, { value: 'api://other' }),
      {
        status: 'failed',
        evidence: /^the gateway asks for a token of api:\/\/other, ENTRA_AUDIENCE is 1/,
        remedy: 'azd provision',
      },
    ],
    [
      'the registration asks for version 1',
      ({ azure }) =>
        azure.hold("/v1.0/applications(appId='11111111-1111-1111-1111-111111111111')", { api: {}, identifierUris: [] }),
      {
        status: 'failed',
        evidence: 'the registration asks for tokens of version 1, not 2',
        remedy: /^infra\/scripts\/register-app\.ts/,
      },
    ],
    [
      'the registration is deleted',
      ({ azure }) => azure.remove("/v1.0/applications(appId='11111111-1111-1111-1111-111111111111')"),
      { status: 'failed', evidence: /^the app registration 1.* is missing$/, remedy: /register-app\.ts/ },
    ],
    [
      'the registration has another URI',
      ({ azure }) =>
        azure.hold("/v1.0/applications(appId='11111111-1111-1111-1111-111111111111')", {
          api: { requestedAccessTokenVersion: 2 },
          identifierUris: ['api://other'],
        }),
      {
        status: 'failed',
        evidence: 'the registration has not the URI api://11111111-1111-1111-1111-111111111111',
        remedy: /register-app\.ts/,
      },
    ],
    [
      'there is no service principal',
      ({ azure }) => azure.remove("/v1.0/servicePrincipals(appId='11111111-1111-1111-1111-111111111111')"),
      { status: 'failed', evidence: 'the registration has no service principal', remedy: /register-app\.ts/ },
    ],
    [
      'the gateway has no identity',
      ({ azure }) => azure.change(IDS.gateway, (held) => ({ ...held, identity: { type: 'None' } })),
      {
        status: 'failed',
        evidence: 'the identity of the gateway is missing',
        remedy: /--enable-managed-identity true/,
      },
    ],
    [
      'the policy asks for no token',
      policy(
        POLICY.replace(/<authentication-managed-identity[^>]*\/>/, '').replaceAll('{{bedrock-proxy-audience}}', ''),
      ),
      { status: 'failed', evidence: 'the policy asks for no token', remedy: 'azd provision' },
    ],
    [
      'the service principal is disabled',
      ({ azure }) =>
        azure.hold("/v1.0/servicePrincipals(appId='11111111-1111-1111-1111-111111111111')", { accountEnabled: false }),
      { status: 'failed', evidence: 'the service principal is disabled', remedy: /^Enable it in Entra/ },
    ],
    [
      'nobody may ask Entra',
      ({ azure }) => azure.forbid('/v1.0/applications'),
      { status: 'ok', evidence: /the registration was not looked at \(whoever is signed in may not/ },
    ],
    [
      'a function key is used',
      settings({ CALLER_AUTH: 'functionKey' }),
      { status: 'ok', evidence: /^by a function key/ },
    ],
  ],
  20: [
    [
      'nothing is logged',
      ({ azure }) => azure.hold('/v1/workspaces/workspace/query', (_, body) => query(JSON.parse(body).query, [])),
      { status: 'failed', evidence: /^\d+ calls, 0 records/, remedy: /Monitoring Metrics Publisher/ },
    ],
    [
      'sampling loses records',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain).filter((_line, index) => index % 2 === 0),
          ),
        ),
      {
        status: 'failed',
        evidence: /^\d+ calls, \d+ records within 0 minutes$/,
        remedy: /^Records are lost, and with them what is billed by them: sampling/,
      },
    ],
    [
      'records come twice',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain).flatMap((line) => [line, line]),
          ),
        ),
      {
        status: 'failed',
        evidence: /^(\d+) calls, \1 records, \d+ lines$/,
        remedy: /^Calls are logged twice/,
      },
    ],
    [
      'model ids are cut',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain).map((line) =>
              line.replace('::foundation-model/amazon.nova-lite-v1:0', '::foundation-model'),
            ),
          ),
        ),
      {
        status: 'failed',
        evidence:
          /^the model arn:aws:bedrock:us-east-1::foundation-model\/amazon\.nova-lite-v1:0 is arn:aws:bedrock:us-east-1::foundation-model in its record$/,
        remedy: /^Something between cuts or decodes model ids \(check 17\)/,
      },
    ],
    [
      'tokens are missing',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain).map((line) => line.replace('"inputTokens"', '"noTokens"')),
          ),
        ),
      { status: 'failed', evidence: /has no tokens$/, remedy: /usageUnknown says why$/ },
    ],
    [
      'traces are lost',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(JSON.parse(body).query, linesOf(chain), dependenciesOf(chain).slice(0, -2)),
        ),
      {
        status: 'warning',
        evidence: /^(\d+) calls, \1 records, with their models and tokens; \d+ traces$/,
        remedy: /^The records are whole, traces are lost: OTEL_TRACES_SAMPLER/,
      },
    ],
    [
      'traces come twice',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain),
            dependenciesOf(chain).flatMap((each) => [each, each]),
          ),
        ),
      { status: 'warning', evidence: /; (\d+) traces, \d+ spans$/, remedy: /^Traces arrive twice/ },
    ],
    [
      'the gateway tells of nothing',
      ({ azure }) =>
        azure.hold('/v1/workspaces/workspace/query', (_, body) =>
          query(
            JSON.parse(body).query,
            linesOf(chain),
            dependenciesOf(chain).filter(({ Target }) => !Target.startsWith('func-abc')),
          ),
        ),
      {
        status: 'warning',
        evidence: /; \d+ traces, 0 of them with the gateway$/,
        remedy: /^The gateway does not tell Application Insights of its calls/,
      },
    ],
    [
      'the app samples traces, which is no loss',
      settings({ OTEL_TRACES_SAMPLER_ARG: '0.05' }),
      { status: 'ok', evidence: /; traces not counted: the app sends 5 % of them;/ },
    ],
    [
      'the gateway samples, which is no loss',
      ({ azure }) =>
        azure.hold(`${API}/diagnostics`, [
          { name: 'applicationinsights', properties: { sampling: { percentage: 10 } } },
        ]),
      { status: 'ok', evidence: /; traces not counted: the gateway sends 10 % of them;/ },
    ],
    [
      'nobody is told of alerts',
      ({ azure }) => azure.hold(IDS.rules, []),
      { status: 'warning', evidence: /no alert tells anybody$/, remedy: /ALERT_EMAIL/ },
    ],
    [
      'nobody may read the log',
      ({ azure }) => azure.forbid('/v1/workspaces'),
      { status: 'skipped', evidence: /may not look at workspace\/query/ },
    ],
  ],
  '20b': [
    [
      'no rule tells anybody',
      ({ azure }) => azure.hold(IDS.rules, []),
      { status: 'failed', evidence: 'no alert rule tells anybody', remedy: /ALERT_EMAIL/ },
    ],
    [
      'the action group is gone',
      (spoiled) => {
        holdActionGroup(spoiled, MAIL);
        spoiled.azure.remove(GROUP_ID);
      },
      { status: 'failed', evidence: 'the action group ag-abc is missing', remedy: /ALERT_EMAIL/ },
    ],
    [
      'the action group is off',
      (spoiled) => holdActionGroup(spoiled, MAIL, false),
      { status: 'failed', evidence: 'the action group ag-abc tells nobody', remedy: /ALERT_EMAIL/ },
    ],
    [
      'whoever is signed in may not send one',
      (spoiled) => {
        holdActionGroup(spoiled, MAIL);
        spoiled.azure.forbid(`${GROUP_ID}/createNotifications`);
      },
      { status: 'skipped', evidence: /may not look at ag-abc\/createNotifications/ },
    ],
  ],
};

const GROUP_ID = `${IDS.group}/providers/Microsoft.Insights/actionGroups/ag-abc`;

/** An action group of these receivers, and a rule that names it; what is sent to it goes to `sent`. */
function holdActionGroup({ azure }: World, receivers: object, enabled = true): void {
  azure.hold(IDS.rules, [
    { name: 'theirs', properties: { enabled: true, actions: { actionGroups: [`${GROUP_ID}-of-others`] } } },
    { name: 'alert', tags: TAGS, properties: { enabled: true, actions: { actionGroups: [GROUP_ID] } } },
  ]);
  azure.hold(GROUP_ID, { id: GROUP_ID, name: 'ag-abc', properties: { enabled, ...receivers } });
}

const MAIL = { emailReceivers: [{ name: 'email', emailAddress: 'somebody@contoso.com' }], smsReceivers: [] };

it('sends a test notification to each receiver, once, and only when it is asked to', async () => {
  const sent: unknown[] = [];
  holdActionGroup(world, MAIL);
  world.azure.hold(`${GROUP_ID}/createNotifications`, (_, body) => {
    sent.push(JSON.parse(body));
    return {};
  });
  const azure = await world.look();
  expect(await verify(chain.gateway, { azure, only: ['1', '20'] })).not.toHaveProperty('20b');
  expect(sent).toStrictEqual([]);
  const results = await verify(chain.gateway, { azure, only: ['1', '20b'] });
  expectSaid(results, '20b', {
    status: 'ok',
    evidence: 'on its way to 1 of ag-abc: look whether it arrives',
  });
  expect(sent).toStrictEqual([{ alertType: 'logalertv2', emailReceivers: MAIL.emailReceivers }]);
});

function rolesOfTheApp() {
  return [
    assignment('b7e6dc6d-f1e8-4753-8033-0f276bb0955b', IDS.storage),
    assignment('0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3', `${IDS.storage}/tableServices/default/tables/budgets`),
    assignment('3913510d-42f4-4e42-8a64-420c390055eb', IDS.component),
    assignment('4633458b-17de-408a-b874-0445c86b69e6', IDS.vault),
  ];
}

/** What a check has to have run before it, for its own sake. */
const GROUND: Readonly<Record<string, readonly string[]>> = {
  20: [...NEEDS_13, '17', '18'],
};

describe.each(Object.entries(CASES))('check %s', (id, cases) => {
  it.each(cases)('says when %s', async (_, spoil, said) => {
    spoil(world);
    const modelId = 'amazon.nova-lite-v1:0';
    const results = await verify(chain.gateway, {
      azure: await world.look(),
      modelId,
      only: [...(GROUND[id] ?? []), id],
    });
    expectSaid(results, id, said);
  });
});

it('finds the deployment by group and gateway, without azd', async () => {
  world.tools['azd env get-values'] = { absent: true };
  world.tools['azd version'] = { absent: true };
  const results = await verify(chain.gateway, {
    azure: await world.look({ group: 'rg-prod', gatewayId: IDS.gateway }),
    only: ['1', '3', '10'],
  });
  expect(statuses(results)).toStrictEqual({ ok: ['1', '3', '10'] });
});

/** Resources of others in the group, before those of the deployment: without a tag, or of another environment. */
function holdStrangers({ azure }: World, tags: object = {}): void {
  const ours = [IDS.plan, IDS.site, IDS.storage, IDS.identity, IDS.component, IDS.workspace, IDS.vault];
  const resources = (suffix: string, its: object) =>
    ours.map((id) => ({
      id: id + suffix,
      name: id.split('/').at(-1) + suffix,
      type: /providers\/([^/]+\/[^/]+)/.exec(id)?.[1],
      provisioningState: suffix === '' ? 'Succeeded' : 'Failed',
      tags: its,
    }));
  azure.hold(`${IDS.group}/resources`, [...resources('-of-others', tags), ...resources('', TAGS)]);
}

it.each([
  ['a tag', {}],
  ['the same tag', { 'azd-env-name': 'test' }],
])('judges no resources of others in the group, which lack %s', async (_, tags) => {
  holdStrangers(world, tags);
  const only = ['1', '3', '4', '6', '8', '9', '10'];
  const results = await verify(chain.gateway, { azure: await world.look(), only });
  expect(statuses(results)).toStrictEqual({ ok: only });
});

it('judges none of others without azd either, unless nobody can tell whose is meant', async () => {
  world.tools['azd env get-values'] = { absent: true };
  const only = ['1', '3', '4', '10'];
  const look = () => world.look({ group: 'rg-prod', gatewayId: IDS.gateway });
  holdStrangers(world);
  expect(statuses(await verify(chain.gateway, { azure: await look(), only }))).toStrictEqual({ ok: only });
  holdStrangers(world, { 'azd-env-name': 'test' });
  const results = await verify(chain.gateway, { azure: await look(), only });
  expect(statuses(results)).toStrictEqual({ ok: ['1'], skipped: ['3', '4', '10'] });
  expect(results['3']?.evidence).toBe(
    "rg-prod has the function apps of test and prod: run it where azd's environment is",
  );
});

it('says that what is missing is missing, though others have the like', async () => {
  const resource = (id: string, tags: object) => ({ id, type: /providers\/([^/]+\/[^/]+)/.exec(id)?.[1], tags });
  world.azure.hold(`${IDS.group}/resources`, [
    resource(`${IDS.site}-of-others`, {}),
    ...[IDS.plan, IDS.storage, IDS.identity, IDS.component].map((id) => resource(id, TAGS)),
  ]);
  const results = await verify(chain.gateway, { azure: await world.look(), only: ['1', '3'] });
  expectSaid(results, '3', {
    status: 'failed',
    evidence: 'there is no Microsoft.Web/sites in rg-prod',
    remedy: 'Mend what the deployment says, then azd provision',
  });
});

it('works by azd alone, without az', async () => {
  for (const name of Object.keys(world.tools)) {
    // The cloud is that of the emulator, which nothing but az could tell.
    if (name.startsWith('az ') && name !== 'az cloud show') world.tools[name] = { absent: true };
  }
  const results = await verify(chain.gateway, { azure: await world.look(), only: ['1', '3', '10'] });
  expect(statuses(results)).toStrictEqual({ skipped: ['1'], ok: ['3', '10'] });
  expect(results['1']?.evidence).toBe('no az, azd 1.23.5; nobody is signed in to az: az login');
});

it('looks at nothing of Azure where neither is there', async () => {
  for (const name of Object.keys(world.tools)) world.tools[name] = { absent: true };
  const results = await verify(chain.gateway, { azure: await world.look() });
  expect(statuses(results)['failed']).toBeUndefined();
  expect(results['10']?.evidence).toBe('azd is not there; --group and --gateway name the deployment');
  expect(world.azure.requests).toStrictEqual([]);
});
