import { beforeAll, describe, expect, it } from 'vitest';

import { type Bicep, findBicep } from './bicep-compiler.ts';
import { checkAccess } from './check-access.ts';
import { checkApp } from './check-app.ts';
import { checkGateway } from './check-gateway.ts';
import { checkMonitoring } from './check-monitoring.ts';
import { expand, type Expansions } from './expand.ts';
import { NAME_RULES } from './names.ts';

const bicep = await findBicep();

describe.skipIf(bicep === undefined)('the expanded template', () => {
  let expansions: Expansions;

  beforeAll(async () => {
    const compile = bicep as Bicep;
    expansions = {
      existing: await expand(compile, 'existing-apim'),
      created: await expand(compile, 'new-apim'),
      vnet: await expand(compile, 'vnet'),
      functionKey: await expand(compile, 'function-key'),
      pool: await expand(compile, 'pool'),
    };
  }, 300_000);

  checkAccess(() => expansions);
  checkApp(() => expansions);
  checkGateway(() => expansions);
  checkMonitoring(() => expansions);

  it('names everything within the rules of Azure, whatever the environment is called', () => {
    for (const [set, { predictedResources }] of Object.entries(expansions)) {
      for (const { name, type } of predictedResources) {
        // Names that only Azure can know: of role assignments (guids) and of DNS zones (domains of the cloud).
        if (name.startsWith('[')) continue;
        expect(NAME_RULES[type], type).toBeDefined();
        expect(name.split('/').at(-1), `${set} ${type}`).toMatch(NAME_RULES[type] ?? /^$/);
      }
    }
  });
});
