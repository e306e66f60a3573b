import { deepEqual, equal, match } from 'node:assert/strict';

import {
  AccessDeniedException,
  type BedrockRuntimeClient,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';

import { startFleet } from '../budgets/fleet.ts';
import { readPriceTable, toldSums } from '../budgets/sums.ts';
import { type Chain, withApiKey } from '../emulators/chain.ts';
import { type Gateway, startGateway } from '../emulators/gateway/gateway.ts';
import { pricedModel } from '../support/models.ts';
import { waitUntil } from '../support/wait-until.ts';
import { errorOf, gatewayClient, question } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

const STREAMS = 3;
/** Less than all streams cost, and more than all but one, whichever of them begins last. */
const LIMIT = 0.0017;

/** The policy of the product: its rule is all that limits the teams. */
const POLICY = `<policies><inbound><base /><set-variable name="bedrock-budgets" value="cost/month=${LIMIT}" /></inbound>
  <backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`;

/** A team spends its budget by streams on two workers, neither of which knows by itself that it is used up. */
export function budgets(chain: Chain, page: Page): Step {
  return {
    title: 'A budget in money, over two workers',
    async run(check) {
      const prices = await readPriceTable();
      await using fleet = await startFleet({ workers: 2 });
      const subscriptions = chain.gateway.subscriptions.map((team) => ({ ...team, productId: 'small' }));
      const gateways = await Promise.all(
        fleet.hosts.map(({ url, functionKey }) =>
          startGateway({
            backendUrl: url,
            callerAuth: 'functionKey',
            backendHeaders: { 'x-functions-key': functionKey },
            subscriptions,
            productPolicy: POLICY,
            managedIdentityToken: async () => '',
          }),
        ),
      );
      const [teamA = '', teamB = ''] = subscriptions.map(({ key }) => key);
      const clientOf = ({ url }: Gateway, key: string) =>
        gatewayClient(chain, { endpoint: url, requestHandler: withApiKey(key) });
      const clients = gateways.map((gateway) => clientOf(gateway, teamA));
      try {
        await Promise.all(clients.flatMap((client) => Array.from({ length: STREAMS }, () => stream(client))));
        const cost = Number(toldSums(fleet.bedrock.usageGiven().answers, prices).cost) / 1e9;
        // Each has to be told what the other has written; a worker reads no more than once in a second for this.
        let used: (number | undefined)[] = [];
        await waitUntil(async () => {
          used = await Promise.all(gateways.map((gateway) => usedOf(gateway, teamA)));
          return used.every((spent) => (spent ?? 0) >= round6(cost));
        }, 200);
        page.text(
          `A rule of the product gives each team ${LIMIT} a month, in the currency of the price table. Team A has made ` +
            `${STREAMS} streams on each of two workers at the same time, for ${(cost / 2).toFixed(6)} on each; in between they ` +
            'share a table of Azure Storage. What GET /usage tells:',
        );
        for (const [index, spent] of used.entries()) page.line(`worker ${index + 1}`, `used ${spent} of ${LIMIT}`);
        check('Both workers tell what AWS would bill for all streams, to a millionth', () =>
          deepEqual(used, [round6(cost), round6(cost)]),
        );

        const asked = fleet.bedrock.requests.length;
        const refusals = await Promise.all(clients.map((client) => errorOf(stream(client))));
        const [refusal] = refusals;
        if (refusal instanceof Error) page.text(refusal.message);
        check(
          'The next call of the team is refused on both, in words that name the window and when it begins anew',
          () => {
            for (const error of refusals) {
              equal(error instanceof AccessDeniedException, true);
              match(
                String(error),
                new RegExp(
                  `The budget cost/month of this subscription \\(${LIMIT}\\) is used up; it begins anew at \\d{4}-`,
                ),
              );
            }
          },
        );
        check('Bedrock was not asked for it', () => equal(fleet.bedrock.requests.length, asked));
        const other = clientOf(gateways[0] ?? chain.gateway, teamB);
        const events = await stream(other);
        other.destroy();
        check('Team B, with a budget of its own, goes on', () => equal(events > 10, true));
      } finally {
        for (const client of clients) client.destroy();
        await Promise.all(gateways.map((gateway) => gateway.close()));
      }
    },
  };
}

async function stream(client: BedrockRuntimeClient): Promise<number> {
  const { stream: events } = await client.send(new ConverseStreamCommand(question(pricedModel)));
  return (await Array.fromAsync(events ?? [])).length;
}

async function usedOf({ url }: Gateway, key: string): Promise<number | undefined> {
  const answer = await fetch(`${url}/usage`, { headers: { 'api-key': key } });
  const told = (await answer.json()) as { budgets: { used: number }[] };
  return told.budgets[0]?.used;
}

function round6(amount: number): number {
  return Math.round(amount * 1e6) / 1e6;
}
