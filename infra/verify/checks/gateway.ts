import { member } from '../../../src/json/member.ts';
import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { type Json, list, number, same, text } from '../azure/json.ts';
import { present, Settled } from '../azure/look.ts';
import { collectorsIn, differenceOf, namesIn, operationsOfTemplate } from '../azure/policy.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, warning } from '../finding.ts';

const PROVISION = 'azd provision';

export const gateway: Check = {
  id: '10',
  title: 'The API of the gateway is this one, and up to date',
  layer: 'gateway',
  needs: ['1'],
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const service = present(
      await deployed.gateway(),
      'the API Management instance',
      'azd env set APIM_NAME, then azd provision',
    );
    const tier = text(service, 'sku', 'name');
    if (same(tier, 'Consumption')) {
      return failed('the tier Consumption collects answers', 'Another tier: infra/README.md, Tiers of API Management');
    }
    const api = present(await deployed.api(), `an API at the path ${deployed.place.apiPath}`, PROVISION);
    if (member(api, 'properties', 'subscriptionRequired') === false) return failed('the API wants no key', PROVISION);
    const policy = present(await deployed.policy(), 'the policy of the API', PROVISION);
    await expectBackend(deployed, service, policy);
    await expectOperations(deployed, api);
    const difference = await differenceOf(policy);
    if (difference !== undefined) {
      return failed(
        `the policy differs from infra/gateway/policies/bedrock.xml, ${difference}`,
        `${PROVISION}, or commit your rule`,
      );
    }
    await expectSilence(deployed, service, api);
    const collectors = await inherited(deployed, service);
    if (collectors !== undefined) {
      return warning(
        collectors,
        'If 19 fails: take <base /> out of outbound for this API, or the statement out of that policy',
      );
    }
    const http2 = text(service, 'properties', 'customProperties', HTTP2).toLowerCase() === 'true' ? 'on' : 'off';
    return ok(`${text(service, 'name')} (${tier}), API ${text(api, 'name')}, policy as here, HTTP/2 ${http2}`);
  },
};

const HTTP2 = 'Microsoft.WindowsAzure.ApiManagement.Gateway.Protocols.Server.Http2';

async function expectBackend(deployed: Deployed, service: Json, policy: string): Promise<void> {
  const { backend: name, values } = namesIn(policy);
  const base = text(service, 'id');
  const ask = (path: string) => deployed.resourceManager.get(`${base}/${path}?api-version=${VERSIONS.gateway}`);
  if (name === undefined)
    throw new Settled(failed('the policy names no backend: it is not that of this API', PROVISION));
  const backend = present(await ask(`backends/${name}`), `the backend ${name}`, PROVISION);
  const pool = list(backend, 'properties', 'pool', 'services').map((each) => text(each, 'id').split('/').at(-1) ?? '');
  const members = await Promise.all(
    pool.map(async (each) => present(await ask(`backends/${each}`), `the backend ${each}`, PROVISION)),
  );
  const site = present(await deployed.site(), 'the function app', 'azd up');
  const hosts = [backend, ...members].map((each) => hostOf(text(each, 'properties', 'url')));
  const host = text(site, 'properties', 'defaultHostName');
  if (!hosts.some((each) => same(each, host))) {
    throw new Settled(
      failed(
        `the backend ${name} leads to ${hosts.filter((each) => each !== '').join(', ')}, not to ${host}`,
        'Another environment has taken this API over: one gateway holds one of them. Another gateway, or azd provision here',
      ),
    );
  }
  const settings = await deployed.settings();
  const limit = 'found' in settings ? settings.found['MAX_REQUEST_BYTES'] : undefined;
  for (const value of values) {
    const found = present(await ask(`namedValues/${value}`), `the named value ${value}`, PROVISION);
    const told = text(found, 'properties', 'value');
    if (value.endsWith('max-request-bytes') && limit !== undefined && told !== limit) {
      throw new Settled(failed(`${value} is ${told}, MAX_REQUEST_BYTES of the app ${limit}`, PROVISION));
    }
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

/** What the app serves by default. */
const GROUPS = 'inference,discovery';

async function expectOperations({ resourceManager, settings }: Deployed, api: Json): Promise<void> {
  const values = await settings();
  const groups = (('found' in values ? values.found['OPERATIONS'] : undefined) ?? GROUPS).split(',');
  const path = `${text(api, 'id')}/operations?api-version=${VERSIONS.gateway}`;
  const there = present(await resourceManager.list(path), 'the operations', PROVISION);
  const missing = (await operationsOfTemplate(groups.map((group) => group.trim()))).find(
    ({ method, urlTemplate }) =>
      !there.some(
        (each) =>
          text(each, 'properties', 'method') === method && text(each, 'properties', 'urlTemplate') === urlTemplate,
      ),
  );
  if (missing === undefined) return;
  throw new Settled(failed(`the API has no operation ${missing.method} ${missing.urlTemplate}`, PROVISION));
}

/** A diagnostic that logs bodies collects them; one of the instance holds where the API has none of the same name. */
async function expectSilence({ resourceManager }: Deployed, service: Json, api: Json): Promise<void> {
  const of = async (parent: Json) =>
    present(
      await resourceManager.list(`${text(parent, 'id')}/diagnostics?api-version=${VERSIONS.gateway}`),
      'the diagnostics',
      PROVISION,
    );
  const own = await of(api);
  const above = (await of(service)).filter((each) => !own.some((its) => same(text(its, 'name'), text(each, 'name'))));
  const loud = [...own, ...above].find((each) =>
    ['frontend', 'backend'].some((side) =>
      ['request', 'response'].some((way) => (number(each, 'properties', side, way, 'body', 'bytes') ?? 0) > 0),
    ),
  );
  if (loud === undefined) return;
  throw new Settled(
    failed(
      `the diagnostic ${text(loud, 'name')} logs bodies, which collects answers`,
      'Set its bytes of bodies to 0 for this API, or azd provision',
    ),
  );
}

async function inherited({ resourceManager }: Deployed, service: Json): Promise<string | undefined> {
  const path = `${text(service, 'id')}/policies/policy?format=rawxml&api-version=${VERSIONS.gateway}`;
  const global = await resourceManager.get(path);
  const statements = 'found' in global ? collectorsIn(text(global.found, 'properties', 'value')) : [];
  return statements.length === 0 ? undefined : `the policy of all APIs reads answers: ${statements.join(', ')}`;
}
