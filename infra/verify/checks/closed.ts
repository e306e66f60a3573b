import { invocationId } from '../answer.ts';
import { text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { isNoAnswer } from '../explain.ts';
import { failed, ok, skipped } from '../finding.ts';

export const closed: Check = {
  id: '8',
  title: 'Nobody but the gateway reaches the function',
  layer: 'Azure',
  needs: ['3'],
  async run({ azure }) {
    const site = present(await deployedIn(azure).site(), 'the function app', 'azd up');
    const host = text(site, 'properties', 'defaultHostName');
    const isPrivate = text(site, 'properties', 'publicNetworkAccess') === 'Disabled';
    const answer = await azure.visit(`https://${host}/health`);
    if (isNoAnswer(answer)) {
      if (isPrivate) return ok(`the app has no public endpoint, and is not reached from here (${answer.evidence})`);
      return skipped(`from here there is no way to ${host}: ${answer.evidence}`);
    }
    const found = `${answer.status} of ${host}/health from here`;
    if (answer.status === 403 && invocationId(answer) === undefined) return ok(`${found}, by the platform`);
    if (isPrivate && answer.status === 401) return ok(`${found}, by the app: this machine is in its network`);
    return failed(
      `${found}: the request went as far as the app`,
      'Name the addresses of the gateway alone (GATEWAY_ADDRESSES), then azd provision',
    );
  },
};
