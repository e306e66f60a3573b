import { member } from '../../../src/json/member.ts';
import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { type Json, list, members, text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok } from '../finding.ts';

const NOBODY = 'azd env set ALERT_EMAIL, then azd provision';

export const notification: Check = {
  id: '20b',
  title: 'A test notification goes to whoever is told of alerts',
  layer: 'log',
  needs: ['1'],
  onlyWith: '--notify',
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const groups = await actionGroups(deployed);
    if (groups.length === 0) return failed('no alert rule tells anybody', NOBODY);
    const sent: string[] = [];
    for (const id of groups) {
      const group = present(
        await deployed.resourceManager.get(`${id}?api-version=${VERSIONS.actionGroups}`),
        `the action group ${id.split('/').at(-1)}`,
        NOBODY,
      );
      const receivers = receiversOf(group);
      const count = receivers.reduce((sum, [, each]) => sum + each.length, 0);
      if (count === 0 || member(group, 'properties', 'enabled') === false) {
        return failed(`the action group ${text(group, 'name')} tells nobody`, NOBODY);
      }
      const path = `${id}/createNotifications?api-version=${VERSIONS.actionGroups}`;
      const body = { alertType: 'logalertv2', ...Object.fromEntries(receivers) };
      present(await deployed.resourceManager.post(path, body), 'the test of action groups', 'Send one in the portal');
      sent.push(`${count} of ${text(group, 'name')}`);
    }
    return ok(`on its way to ${sent.join(', ')}: look whether it arrives`);
  },
};

/** Ids of the groups that the active rules name, each once. */
async function actionGroups({ alertRules }: Deployed): Promise<string[]> {
  const rules = present(await alertRules(), 'the alert rules', 'azd provision');
  return [...new Set(rules.flatMap((rule) => list(rule, 'properties', 'actions', 'actionGroups').map(String)))];
}

function receiversOf(group: Json): [string, readonly unknown[]][] {
  return members(group, 'properties').flatMap(([name, value]): [string, readonly unknown[]][] =>
    name.endsWith('Receivers') && Array.isArray(value) && value.length > 0 ? [[name, value]] : [],
  );
}
