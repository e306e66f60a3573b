import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import { type Chain, type ChainOptions, startChain } from '../emulators/chain.ts';
import { ask, call, type ReadAnswer } from '../support/chain-calls.ts';
import { converse } from '../support/models.ts';
import {
  AWAY,
  AWAY_ROLE,
  EXTERNAL_ID,
  HOME,
  HOME_ROLE,
  keyedAccounts,
  KEYLESS,
  keylessAccounts,
} from '../support/stacks.ts';

const TEAM_A = { id: 'team-a', key: 'key-of-team-a', productId: 'assistants' };
const TEAM_B = { id: 'team-b', key: 'key-of-team-b' };
const BY_TEAM = { ...KEYLESS, AWS_ROLE_SESSION_NAME: '{subscriptionId}' };
const NO_SESSION = '{"message":"AWS gives this proxy no session of the role."}';

let chain: Chain;

async function start(settings: Readonly<Record<string, string>>, options: ChainOptions = {}): Promise<void> {
  chain = await startChain({ accounts: keylessAccounts, subscriptions: [TEAM_A, TEAM_B], settings, ...options });
}

afterEach(() => chain.close());

const session = (account: string, role: string, name: string) => `arn:aws:sts::${account}:assumed-role/${role}/${name}`;
const asA = () => call(chain, converse, { key: TEAM_A.key });
const asB = () => call(chain, converse, { key: TEAM_B.key });

/** Comes again as long as STS takes more than five seconds, which it may on a busy machine. */
async function served(as: typeof asA): Promise<Awaited<ReturnType<typeof asA>>> {
  for (;;) {
    const called = await as();
    if (called.answer.status === 200) return called;
    expect(plain(called.answer)).toStrictEqual([503, 'ServiceUnavailableException', NO_SESSION]);
  }
}

async function health(key?: string): Promise<{ status: number; body: string }> {
  const headers = { authorization: `Bearer ${await chain.entra.issueToken()}` };
  const direct = { door: 'host', headers, body: null } as const;
  const { status, body } = await ask(chain, '/health', key === undefined ? direct : { key, body: null });
  return { status, body: String(body) };
}

/** Lines of the log that say why there is no session, as soon as there are so many. */
async function told(count = 1): Promise<Record<string, unknown>[]> {
  const lines = () => chain.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.credentials"'));
  while (lines().length < count) await turn();
  return lines().map(({ message }) => JSON.parse(message) as Record<string, unknown>);
}

/** The policy of all APIs, with an order for team A. */
function ordering(role: string): string {
  return `<policies><inbound><choose><when condition='@(context.Subscription.Id == "team-a")'>
    <set-variable name="bedrock-role-arn" value="${role}" />
  </when></choose></inbound><backend><forward-request /></backend><outbound /><on-error /></policies>`;
}

/** How often there was no session. */
const refusals = () =>
  chain.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.credentials"')).length;

const plain = ({ status, headers, body }: ReadAnswer) => [status, headers['x-amzn-errortype'], String(body)];

describe('no AWS key anywhere', () => {
  it('each team has a session of its own, which AWS and the record name; STS is asked once for each', async () => {
    await start(BY_TEAM);
    const called = [await served(asA), await served(asB), await asA(), await asA()];
    const records = called.map(({ record }) => record);
    expect(chain.bedrock.callers()).toStrictEqual({
      [session(HOME, 'bedrock-proxy', 'team-a')]: 3,
      [session(HOME, 'bedrock-proxy', 'team-b')]: 1,
    });
    expect(records).toMatchObject([
      { status: 200, attempts: 1, accountId: HOME, roleSessionName: 'team-a' },
      { status: 200, attempts: 1, accountId: HOME, roleSessionName: 'team-b' },
      { roleSessionName: 'team-a' },
      { roleSessionName: 'team-a' },
    ]);
    const made = chain.sts.calls.map(({ action, parameters, outcome }) => [
      action,
      parameters['RoleSessionName'],
      parameters['DurationSeconds'],
      outcome,
    ]);
    // One more for each that came too late to be taken.
    const late = refusals();
    expect(made.length - late).toBeLessThanOrEqual(3);
    expect(chain.vault.requests).toHaveLength(0);
    // That of the proxy itself is made at the start, to see that one can be.
    while ((await health()).status !== 200) await turn();
    const kinds = new Set(chain.sts.calls.map(({ parameters }) => parameters['RoleSessionName']));
    expect(kinds).toStrictEqual(new Set(['bedrock-proxy', 'team-a', 'team-b']));
    expect(
      made.filter(([action, , seconds]) => action !== 'AssumeRoleWithWebIdentity' || seconds !== '3600'),
    ).toStrictEqual([]);
  });

  it('with tags, by a second session', async () => {
    await start({ ...BY_TEAM, AWS_ROLE_SESSION_TAGS: 'team={subscriptionId}' });
    await served(asA);
    const [request] = chain.bedrock.requests;
    expect(request?.principal?.arn).toBe(session(HOME, 'bedrock-proxy', 'team-a'));
    expect(request?.principal?.session).toMatchObject({ tags: { team: 'team-a' }, chained: true });
    const actions = chain.sts.calls.map(({ action }) => action);
    expect(new Set(actions)).toStrictEqual(new Set(['AssumeRoleWithWebIdentity', 'AssumeRole']));
    expect(actions.length - refusals()).toBeLessThanOrEqual(2);
  });

  it('a role that the gateway orders, of another account, with an external id; the others stay at home', async () => {
    await start({ ...BY_TEAM, AWS_ROLE_EXTERNAL_ID: EXTERNAL_ID }, { globalPolicy: ordering(AWAY_ROLE) });
    const { record } = await served(asA);
    await served(asB);
    expect(chain.bedrock.callers()).toStrictEqual({
      [session(AWAY, 'bedrock-target', 'team-a')]: 1,
      [session(HOME, 'bedrock-proxy', 'team-b')]: 1,
    });
    expect(record).toMatchObject({ status: 200, accountId: AWAY, roleSessionName: 'team-a' });
  });

  it('a client cannot order a role', async () => {
    await start({ ...BY_TEAM, AWS_ROLE_EXTERNAL_ID: EXTERNAL_ID });
    await call(chain, converse, { key: TEAM_A.key, headers: { 'x-gateway-role-arn': AWAY_ROLE } });
    expect(Object.keys(chain.bedrock.callers())).toStrictEqual([session(HOME, 'bedrock-proxy', 'team-a')]);
  });

  it('a session that ends before its time is made anew, and no call fails', async () => {
    await start(BY_TEAM);
    await asA();
    const [first] = chain.bedrock.requests;
    await asB();
    chain.accounts.end(first?.accessKeyId ?? '');
    const { record } = await asA();
    expect(record).toMatchObject({ status: 200, attempts: 2, credentialsRefreshed: true });
    expect((await asB()).record).toMatchObject({ status: 200, attempts: 1 });
    expect(chain.accounts.sessions.filter((one) => one.session?.name === 'team-a')).toHaveLength(2);
    expect(chain.accounts.sessions.filter((one) => one.session?.name === 'team-b')).toHaveLength(1);
  });

  it('200 teams that come at once: one session each, also while STS throttles', async () => {
    const teams = Array.from({ length: 200 }, (_, index) => ({ id: `team-${index}`, key: `key-of-team-${index}` }));
    await start(BY_TEAM, { subscriptions: teams });
    chain.sts.throttle(20);
    const calls = teams.flatMap(({ key }) => [key, key]).map((key) => ask(chain, converse, { key }));
    const statuses = Map.groupBy(await Promise.all(calls), ({ status }) => status);
    // Of a client that retries nothing, some calls may come while STS still says no.
    expect([...statuses.keys()].filter((status) => status !== 200 && status !== 503)).toStrictEqual([]);
    for (const { key } of teams) {
      for (;;) {
        const { status } = await ask(chain, converse, { key });
        if (status === 200) break;
        expect(status).toBe(503);
      }
    }
    const named = chain.accounts.sessions.map((one) => one.session?.name).filter((name) => name !== 'bedrock-proxy');
    // One that is made later than the proxy waits for it is made again: on a busy machine there may be some.
    expect(new Set(named)).toStrictEqual(new Set(teams.map(({ id }) => id)));
    expect(Object.keys(chain.bedrock.callers())).toHaveLength(200);
  });
});

describe('keys in the vault, and a role', () => {
  it('each team has a session of it', async () => {
    await start({ AWS_ROLE_ARN: HOME_ROLE, AWS_ROLE_SESSION_NAME: '{subscriptionId}' }, { accounts: keyedAccounts });
    await asA();
    await asB();
    expect(chain.bedrock.callers()).toStrictEqual({
      [session(HOME, 'bedrock-proxy', 'team-a')]: 1,
      [session(HOME, 'bedrock-proxy', 'team-b')]: 1,
    });
    expect(chain.vault.reads('aws-credentials')).toBe(1);
  });

  it('only where the gateway orders one', async () => {
    const settings = { AWS_ROLE_EXTERNAL_ID: EXTERNAL_ID, AWS_ROLE_SESSION_TAGS: 'team={subscriptionId}' };
    await start(settings, { accounts: keyedAccounts, globalPolicy: ordering(AWAY_ROLE) });
    await asA();
    const { record } = await asB();
    expect(chain.bedrock.callers()).toStrictEqual({
      [session(AWAY, 'bedrock-target', 'bedrock-proxy')]: 1,
      [`arn:aws:iam::${HOME}:user/proxy`]: 1,
    });
    expect(chain.bedrock.requests[0]?.principal?.session?.tags).toStrictEqual({ team: 'team-a' });
    expect(record).not.toHaveProperty('accountId');
  });
});

describe('what goes wrong says why', () => {
  it('a role that does not trust the proxy: its own words to the caller, those of STS and the token’s claims in the log', async () => {
    await start(BY_TEAM, {
      accounts: (callers) => keylessAccounts({ ...callers, identityObjectId: '00000000-1111-2222-3333-444444444444' }),
    });
    const { answer, record } = await asA();
    expect(plain(answer)).toStrictEqual([503, 'ServiceUnavailableException', NO_SESSION]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(record).toMatchObject({ status: 503, errorSource: 'proxy', outcome: 'refused' });
    expect(record).not.toHaveProperty('attempts');
    const line = (await told(2)).find(({ roleSessionName }) => roleSessionName === 'team-a');
    expect(line).toMatchObject({
      stale: false,
      code: 'AccessDenied',
      roleArn: HOME_ROLE,
      iss: `https://sts.windows.net/${chain.entra.tenantId}/`,
      aud: 'api://aws-bedrock',
      sub: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ver: '1.0',
      cause: expect.stringContaining('Not authorized to perform sts:AssumeRoleWithWebIdentity'),
    });
    expect(await health()).toStrictEqual({ status: 503, body: NO_SESSION });
  });

  it('an order of a role that does not trust the proxy: one team is refused, the other is not', async () => {
    await start(BY_TEAM, { globalPolicy: ordering(AWAY_ROLE) });
    const isTold = () =>
      chain.sts.calls.some(({ action, outcome }) => action === 'AssumeRole' && outcome === 'AccessDenied');
    do expect(plain((await asA()).answer)).toStrictEqual([503, 'ServiceUnavailableException', NO_SESSION]);
    while (!isTold());
    expect((await served(asB)).record).toMatchObject({ status: 200 });
    const refused = async () => (await told()).find(({ code }) => code !== undefined);
    while ((await refused()) === undefined) await turn();
    const line = await refused();
    expect(line).toMatchObject({ code: 'AccessDenied', roleArn: AWAY_ROLE, roleSessionName: 'team-a' });
    expect(line).not.toHaveProperty('iss');
    expect(await health(TEAM_B.key)).toMatchObject({ status: 200 });
  });

  it('a malformed order: named', async () => {
    await start(BY_TEAM, { globalPolicy: ordering('bedrock-target') });
    expect(plain((await asA()).answer)).toStrictEqual([
      503,
      'ServiceUnavailableException',
      '{"message":"The order x-gateway-role-arn of the gateway is not the ARN of a role."}',
    ]);
    // The operator's mistake: a line of its own beside the record.
    const line = () => chain.host.logs.find(({ message }) => message.startsWith('{"event":"bedrock.failure"'));
    while (line() === undefined) await turn();
    expect(line()?.message).toContain('x-gateway-role-arn');
    expect((await asB()).record).toMatchObject({ status: 200 });
  });

  it('a call without the id that its session is named after: 403', async () => {
    await start({ ...KEYLESS, AWS_ROLE_SESSION_NAME: '{productId}' });
    const { answer, record } = await asB();
    expect(plain(answer).slice(0, 2)).toStrictEqual([403, 'AccessDeniedException']);
    expect(String(answer.body)).toContain('productId');
    expect(record).toMatchObject({ status: 403, errorSource: 'client' });
    expect((await asA()).record).toMatchObject({ status: 200, roleSessionName: 'assistants' });
    expect(chain.bedrock.requests).toHaveLength(1);
  });

  it('a silent STS: given up, and 503 says when to come again; who has a session notices nothing', async () => {
    await start(BY_TEAM);
    await asB();
    chain.sts.hang(true);
    const { answer } = await asA();
    expect(plain(answer)).toStrictEqual([503, 'ServiceUnavailableException', NO_SESSION]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect((await asB()).record).toMatchObject({ status: 200, attempts: 1 });
    chain.sts.hang(false);
    for (;;) {
      const { status } = (await asA()).answer;
      if (status === 200) break;
      expect(status).toBe(503);
    }
  });

  it('a role that is none in a setting: the start-up error', async () => {
    await start({ ...BY_TEAM, AWS_ROLE_ARN: 'bedrock-proxy' });
    const answer = await ask(chain, converse, { key: TEAM_A.key });
    expect(plain(answer)).toStrictEqual([
      503,
      'ServiceUnavailableException',
      '{"message":"Wrong settings: AWS_ROLE_ARN is not the ARN of a role"}',
    ]);
  });
});
