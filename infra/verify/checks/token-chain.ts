import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { list, number, text } from '../azure/json.ts';
import { member } from '../../../src/json/member.ts';
import { present, Settled } from '../azure/look.ts';
import { namesIn } from '../azure/policy.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, skipped } from '../finding.ts';

const REGISTER = 'infra/scripts/register-app.ts, then azd provision';

export const tokenChain: Check = {
  id: '15',
  title: 'The function takes the token of the gateway',
  layer: 'function',
  needs: ['11'],
  async run({ azure, log }) {
    // It gives an answer that is no refusal to its gateway alone.
    const seen = log.calls.some(({ status }) => status === 200) ? 'the function has answered its gateway' : undefined;
    if (!('found' in azure.deployed)) {
      if (seen !== undefined) return ok(seen);
      return skipped('why' in azure.deployed ? azure.deployed.why : 'there is no deployment');
    }
    const deployed = deployedIn(azure);
    const settings = present(await deployed.settings(), 'the settings of the app', 'azd provision');
    if (settings['CALLER_AUTH'] !== 'entra') return ok('by a function key (CALLER_AUTH=functionKey)');
    const principals = present(
      await deployed.gatewayPrincipals(),
      'the identity of the gateway',
      'az apim update --enable-managed-identity true, then azd provision',
    );
    const allowed = items(settings['ENTRA_ALLOWED_CALLERS']);
    if (!principals.some((each) => allowed.includes(each))) {
      return failed(
        `the gateway is ${principals.join(' or ')}, ENTRA_ALLOWED_CALLERS is ${allowed.join(', ') || 'empty'}`,
        'azd provision: the identity of the gateway has been made anew',
      );
    }
    const audiences = items(settings['ENTRA_AUDIENCE']);
    const asked = await audienceAskedFor(deployed);
    if (!audiences.includes(asked)) {
      return failed(
        `the gateway asks for a token of ${asked}, ENTRA_AUDIENCE is ${audiences.join(', ')}`,
        'azd provision',
      );
    }
    const registration = await registered(deployed, asked, audiences);
    return ok(`gateway, audience and settings agree; ${registration}`);
  },
};

function items(setting = ''): string[] {
  return setting
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

async function audienceAskedFor(deployed: Deployed): Promise<string> {
  const policy = present(await deployed.policy(), 'the policy of the API', 'azd provision');
  const name = namesIn(policy).values.find((each) => each.endsWith('audience'));
  if (name === undefined) throw new Settled(failed('the policy asks for no token', 'azd provision'));
  const service = present(await deployed.gateway(), 'the gateway', 'azd provision');
  const path = `${text(service, 'id')}/namedValues/${name}?api-version=${VERSIONS.gateway}`;
  return text(present(await deployed.resourceManager.get(path), name, 'azd provision'), 'properties', 'value');
}

/** What Entra says of the registration, as far as whoever is signed in may ask it. */
async function registered({ graph }: Deployed, audience: string, audiences: readonly string[]): Promise<string> {
  const clientId = audiences.find((each) => /^[\da-f-]{36}$/i.test(each));
  if (clientId === undefined) return 'no client id to look the registration up by';
  const application = await graph.get(`/v1.0/applications(appId='${clientId}')?$select=api,identifierUris`);
  if ('why' in application) return `the registration was not looked at (${application.why})`;
  const found = present(application, `the app registration ${clientId}`, REGISTER);
  const version = number(found, 'api', 'requestedAccessTokenVersion');
  if (version !== 2) {
    throw new Settled(failed(`the registration asks for tokens of version ${version ?? 1}, not 2`, REGISTER));
  }
  if (!list(found, 'identifierUris').includes(audience)) {
    throw new Settled(failed(`the registration has not the URI ${audience}`, REGISTER));
  }
  const principal = await graph.get(`/v1.0/servicePrincipals(appId='${clientId}')?$select=accountEnabled`);
  if ('absent' in principal) throw new Settled(failed('the registration has no service principal', REGISTER));
  if ('found' in principal && member(principal.found, 'accountEnabled') === false) {
    throw new Settled(
      failed('the service principal is disabled', 'Enable it in Entra (Enterprise applications, Properties)'),
    );
  }
  return 'the registration is in order';
}
