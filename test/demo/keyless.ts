import { deepEqual, equal } from 'node:assert/strict';

import { type Chain, startChain, withApiKey } from '../emulators/chain.ts';
import { HOME, KEYLESS, keylessAccounts } from '../support/stacks.ts';
import { converse, gatewayClient } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

const CALLS = { 'team-a': 3, 'team-b': 2 } as const;

/** Two teams of an app that has no AWS key: what AWS knows of who has called. */
export function keyless({ gateway }: Pick<Chain, 'gateway'>, page: Page): Step {
  return {
    title: 'No AWS key anywhere, and every team on AWS’s bill',
    async run(check) {
      const chain = await startChain({
        subscriptions: gateway.subscriptions,
        accounts: keylessAccounts,
        secrets: {},
        settings: { ...KEYLESS, AWS_ROLE_SESSION_NAME: '{subscriptionId}' },
      });
      try {
        for (const { id, key } of gateway.subscriptions) {
          const client = gatewayClient(chain, { requestHandler: withApiKey(key) });
          for (let call = 0; call < (CALLS[id as keyof typeof CALLS] ?? 0); call += 1) await converse(client);
          client.destroy();
        }
        const callers = chain.bedrock.callers();
        const sessions = chain.sts.calls.filter(({ parameters }) => String(parameters['RoleSessionName']) in CALLS);
        page.text(
          'The same function with other settings: no vault, no key. Its managed identity gets a token of Entra, which AWS ' +
            'STS takes for sessions of a role; each is named after the subscription that calls. Who called, as AWS sees it:',
        );
        for (const [arn, calls] of Object.entries(callers)) page.line(`${calls} calls`, arn);

        check('There was no AWS key, neither in the environment nor in the vault, which nobody asked', () =>
          equal(chain.vault.requests.length, 0),
        );
        check('AWS names the team of each call: assumed-role/bedrock-proxy/team-a, …/team-b', () =>
          deepEqual(callers, {
            [`arn:aws:sts::${HOME}:assumed-role/bedrock-proxy/team-a`]: CALLS['team-a'],
            [`arn:aws:sts::${HOME}:assumed-role/bedrock-proxy/team-b`]: CALLS['team-b'],
          }),
        );
        check('STS was asked once for each team, by a token and without a signature', () => {
          deepEqual(
            sessions.map(({ action, outcome }) => `${action} ${outcome}`),
            ['AssumeRoleWithWebIdentity OK', 'AssumeRoleWithWebIdentity OK'],
          );
        });
      } finally {
        await chain.close();
      }
    },
  };
}
