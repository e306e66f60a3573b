import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { type Bicep, findBicep } from './bicep-compiler.ts';
import { checkAccess } from './check-access.ts';
import { checkApp } from './check-app.ts';
import { checkGateway } from './check-gateway.ts';
import { checkMonitoring } from './check-monitoring.ts';
import { checkLandingZone } from './check-landing-zone.ts';
import { at, expand, expandText, type Expansion, type Expansions, ofType } from './expand.ts';
import { NAME_RULES } from './names.ts';
import { root } from '../support/root.ts';

const bicep = await findBicep();

describe.skipIf(bicep === undefined)('the expanded template', () => {
  let expansions: Expansions;
  let landingZone: Expansion;

  beforeAll(async () => {
    const compile = bicep as Bicep;
    expansions = {
      existing: await expand(compile, 'existing-apim'),
      created: await expand(compile, 'new-apim'),
      vnet: await expand(compile, 'vnet'),
      functionKey: await expand(compile, 'function-key'),
      pool: await expand(compile, 'pool'),
      group: await expand(compile, 'group'),
    };
    landingZone = await expand(compile, 'landing-zone');
  }, 900_000);

  checkAccess(() => expansions);
  checkApp(() => expansions);
  checkGateway(() => expansions);
  checkMonitoring(() => expansions);
  checkLandingZone(() => landingZone);

  it('makes no vault for an app without AWS keys, and gives nobody a role in one', async () => {
    const keyless = await expand(bicep as Bicep, 'keyless');
    expect(keyless.predictedResources.filter(({ type }) => type.startsWith('Microsoft.KeyVault/'))).toStrictEqual([]);
    const [app] = ofType(keyless, 'Microsoft.Web/sites');
    const settings = at(app, 'properties', 'siteConfig', 'appSettings') as { name: string; value: string }[];
    expect(settings.filter(({ name }) => /^AWS_|^KEY_VAULT|^CREDENTIALS/.test(name))).toStrictEqual(
      expect.arrayContaining([
        { name: 'AWS_REGION', value: 'eu-central-1' },
        { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::111122223333:role/bedrock-proxy' },
        { name: 'AWS_WEB_IDENTITY_AUDIENCE', value: 'api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee' },
      ]),
    );
    expect(settings.map(({ name }) => name)).not.toContain('KEY_VAULT_URI');
  });

  it('takes an empty text as none, which is what a variable that is not set leaves in a command', async () => {
    const file = await readFile(join(root, 'test/infra/parameters/vnet.bicepparam'), 'utf8');
    const optional = [
      'apimUserAssignedIdentityId',
      'apimPublisherEmail',
      'gatewayUrl',
      'awsRoleArn',
      'awsWebIdentityAudience',
      'existingVaultId',
      'appSubnetId',
      'endpointSubnetId',
      'existingWorkspaceId',
      'alertEmail',
    ];
    const text = [file, ...optional.map((name) => `param ${name} = ''`), ''].join('\n');
    expect(await expandText(bicep as Bicep, text)).toStrictEqual(expansions.vnet);
  });

  it('can be deployed into a resource group that is there, with names and tags of its owner', () => {
    const { predictedResources } = expansions.group;
    expect(predictedResources.map(({ type }) => type)).not.toContain('Microsoft.Resources/resourceGroups');
    const own = predictedResources.filter(({ type }) => !type.startsWith('Microsoft.ApiManagement/'));
    for (const { id } of own) expect(id).toContain('/resourceGroups/rg-given/');
    expect(ofType(expansions.group, 'Microsoft.Web/sites')[0]?.name).toBe('func-contoso-bedrock-prod');
    expect(ofType(expansions.group, 'Microsoft.KeyVault/vaults')[0]?.name).toBe('kv-contoso-bedrock-prod');
    const tagged = own.filter(({ location }) => location !== undefined);
    expect(tagged.length).toBeGreaterThan(5);
    for (const { tags, type } of tagged)
      expect(tags, type).toMatchObject({ costCentre: '4711', 'azd-env-name': 'given' });
  });

  it('names everything within the rules of Azure, whatever the environment is called', () => {
    for (const [set, { predictedResources }] of Object.entries({ ...expansions, landingZone })) {
      for (const { name, type } of predictedResources) {
        // Names that only Azure can know: of role assignments (guids) and of DNS zones (domains of the cloud).
        if (name.startsWith('[')) continue;
        expect(NAME_RULES[type], type).toBeDefined();
        expect(name.split('/').at(-1), `${set} ${type}`).toMatch(NAME_RULES[type] ?? /^$/);
      }
    }
  });
});
