import { setImmediate as turn } from 'node:timers/promises';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import type { Subscription } from '../emulators/gateway/gateway.ts';
import { ask, begin, read } from '../support/chain-calls.ts';
import { converse } from '../support/models.ts';
import { AWAY_ROLE, HOME, KEYLESS, keylessAccounts } from '../support/stacks.ts';

/** Ids that one careless step or another would take for the same, or for something else. */
const ODD_IDS = [
  'team-a',
  'Team-A',
  'team-a ',
  'team_a',
  'team=2Da',
  'team/a',
  'team%2Fa',
  'team","a',
  'm\u00fcller',
  'mu\u0308ller',
  '\u043c\u00fcller',
  '\u{1f9d1}\u200d\u{1f4bb}',
  'constructor',
  '__proto__',
  '{productId}',
  'x',
  '=78',
  'a'.repeat(64),
  'a'.repeat(255) + 'b',
  'a'.repeat(255) + 'c',
];
const odd: Subscription[] = ODD_IDS.map((id, index) => ({ id, key: `key-${index}`, productId: `product-${index}` }));
const REFUSED = { id: 'refused', key: 'key-of-refused' };
const NEW = Array.from({ length: 3 }, (_, index) => ({ id: `new-${index}`, key: `key-of-new-${index}` }));

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({
    accounts: keylessAccounts,
    subscriptions: [...odd, REFUSED, ...NEW],
    settings: { ...KEYLESS, AWS_ROLE_SESSION_NAME: '{subscriptionId}' },
    // The role of the other account wants an external id, which the app does not say.
    globalPolicy: `<policies><inbound><choose><when condition='@(context.Subscription.Id == "refused")'>
      <set-variable name="bedrock-role-arn" value="${AWAY_ROLE}" />
    </when></choose></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`,
  });
});
afterAll(() => chain.close());
beforeEach(() => {
  chain.bedrock.reset();
  chain.sts.hang(false);
});

const askedFor = (name: string) =>
  chain.sts.calls.filter(({ parameters }) => parameters['RoleSessionName'] === name).length;

/** Comes again as long as STS takes more than five seconds, which it may on a busy machine. */
async function served(key: string, body: object = { messages: [] }): Promise<void> {
  for (;;) {
    const { status } = await ask(chain, converse, { key, body });
    if (status === 200) return;
    expect(status).toBe(503);
  }
}

describe('teams whose ids are odd', () => {
  it('have a session each, all at once and twice, and each call is in the one of its team', async () => {
    const calls = [...odd, ...odd.toReversed()].map((team) =>
      served(team.key, { messages: [], requestMetadata: { key: team.key } }),
    );
    await Promise.all(calls);
    expect(chain.sts.calls.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'OK')).toStrictEqual([]);
    const names = new Map<string, Set<string>>();
    for (const { requestMetadata, principal } of chain.bedrock.requests) {
      const key = String(requestMetadata?.['key']);
      names.set(key, (names.get(key) ?? new Set()).add(principal?.session?.name ?? ''));
    }
    const each = Array.from(names.values(), (used) => Array.from(used));
    expect(each.filter((used) => used.length !== 1)).toStrictEqual([]);
    expect(new Set(each.flat()).size).toBe(ODD_IDS.length);
    expect(each.flat().filter((name) => !/^[\w+=,.@-]{2,64}$/.test(name))).toStrictEqual([]);
    expect(Object.values(chain.bedrock.callers())).toStrictEqual(ODD_IDS.map(() => 2));
  });
});

describe('one flight for a session', () => {
  it('lands when the caller that began it has gone, for those who still wait', async () => {
    const [{ id, key } = REFUSED] = NEW;
    chain.sts.hang(true);
    const arrival = chain.sts.nextRequest();
    const first = begin(chain, converse, { key });
    first.response.catch(() => {});
    await arrival;
    const others = Array.from({ length: 5 }, () => ask(chain, converse, { key }));
    first.request.destroy();
    await turn();
    chain.sts.hang(false);
    const statuses = (await Promise.all(others)).map(({ status }) => status);
    // On a machine so busy that five seconds pass, they are refused and come again.
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toStrictEqual([]);
    await served(key);
    expect(chain.accounts.sessions.filter(({ session }) => session?.name === id).length).toBeLessThanOrEqual(2);
  });
});

describe('a role that refuses', () => {
  it('is not asked for each of many calls, and the others notice nothing', async () => {
    const [team = REFUSED] = odd;
    await served(team.key);
    const before = askedFor(team.id);
    const flood = Array.from({ length: 200 }, () => ask(chain, converse, { key: REFUSED.key }));
    const answers = await Promise.all(flood);
    expect(new Set(answers.map(({ status }) => status))).toStrictEqual(new Set([503]));
    expect(answers.every(({ headers }) => Number(headers['retry-after']) > 0)).toBe(true);
    // Pauses of 1, 2, 4 … seconds.
    expect(askedFor(REFUSED.id)).toBeLessThanOrEqual(8);
    expect((await ask(chain, converse, { key: team.key })).status).toBe(200);
    expect(askedFor(team.id)).toBe(before);
  });
});

describe('an order that does not come from the gateway', () => {
  it('is nothing without its token: STS and Bedrock hear nothing', async () => {
    const before = chain.sts.requests.length;
    const headers = { 'x-gateway-role-arn': AWAY_ROLE, 'x-gateway-subscription-id': 'team-a' };
    expect((await read(begin(chain, converse, { door: 'host', headers }).response)).status).toBe(401);
    expect(chain.sts.requests).toHaveLength(before);
    expect(chain.bedrock.requests).toHaveLength(0);
  });

  it('is nothing with a subscription key either: the session is the team’s', async () => {
    const headers = { 'x-gateway-role-arn': AWAY_ROLE, 'x-gateway-subscription-id': 'Team-A' };
    expect((await ask(chain, converse, { key: odd[0]?.key ?? '', headers })).status).toBe(200);
    expect(Object.keys(chain.bedrock.callers())).toStrictEqual([
      `arn:aws:sts::${HOME}:assumed-role/bedrock-proxy/team-a`,
    ]);
  });
});
