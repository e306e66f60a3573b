import { member } from '../../../src/json/member.ts';
import { VERSIONS } from '../azure/deployed.ts';
import { list, text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { isNoAnswer } from '../explain.ts';
import { failed, ok } from '../finding.ts';

export const publishing: Check = {
  id: '9',
  title: 'Nobody publishes by password',
  layer: 'Azure',
  needs: ['3'],
  async run({ azure }) {
    const { site, resourceManager } = deployedIn(azure);
    const app = present(await site(), 'the function app', 'azd up');
    for (const name of ['ftp', 'scm']) {
      const path = `${text(app, 'id')}/basicPublishingCredentialsPolicies/${name}?api-version=${VERSIONS.web}`;
      const policy = present(await resourceManager.get(path), `the policy for ${name}`, 'azd provision');
      if (member(policy, 'properties', 'allow') !== false) {
        return failed(
          `passwords are allowed for ${name}`,
          'azd provision; an Azure Policy or a portal may have allowed them',
        );
      }
    }
    const scm = list(app, 'properties', 'enabledHostNames').find((name) => String(name).includes('.scm.'));
    if (scm === undefined) return ok('passwords are off for ftp and scm');
    const answer = await azure.visit(`https://${String(scm)}/api/settings`);
    if (isNoAnswer(answer)) return ok(`passwords are off for ftp and scm; scm is not reached from here`);
    // A browser would be led to a sign-in.
    if (answer.status >= 300 && answer.status < 500) {
      return ok(`passwords are off for ftp and scm; scm says ${answer.status} without a token`);
    }
    return failed(`scm says ${answer.status} without a token`, 'azd provision, then look at the authentication of scm');
  },
};
