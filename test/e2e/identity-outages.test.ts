import { setImmediate as turn } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import type { ManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { type Chain, type ChainOptions, startChain } from '../emulators/chain.ts';
import { ask } from '../support/chain-calls.ts';
import { converse } from '../support/models.ts';
import { KEYLESS, keylessAccounts } from '../support/stacks.ts';

const TEAM_A = { id: 'team-a', key: 'key-of-team-a' };
const TEAM_B = { id: 'team-b', key: 'key-of-team-b' };
const BY_TEAM = { ...KEYLESS, AWS_ROLE_SESSION_NAME: '{subscriptionId}' };

const UNAVAILABLE = { status: 503, type: 'ServiceUnavailableException' };
const NO_SESSION = { ...UNAVAILABLE, body: '{"message":"AWS gives this proxy no session of the role."}' };
const NO_TOKEN = { ...UNAVAILABLE, body: '{"message":"This proxy has no token of its managed identity for AWS."}' };

let chain: Chain;

async function start(identityAtStart: (identity: ManagedIdentity) => void, options: ChainOptions = {}): Promise<void> {
  const subscriptions = [TEAM_A, TEAM_B];
  chain = await startChain({
    accounts: keylessAccounts,
    subscriptions,
    settings: BY_TEAM,
    identityAtStart,
    ...options,
  });
}

afterEach(() => chain.close());

async function call({ key } = TEAM_A) {
  const { status, headers, body } = await ask(chain, converse, { key });
  return { status, type: headers['x-amzn-errortype'], retryAfter: Number(headers['retry-after']), body: String(body) };
}

async function health() {
  const { status, body } = await ask(chain, '/health', { key: TEAM_A.key, body: null });
  return { status, body: String(body) };
}

/** The line that says why team A has no session. */
async function told(): Promise<Record<string, unknown>> {
  for (;;) {
    const lines = chain.host.logs.filter(({ message }) => message.startsWith('{"event":"bedrock.credentials"'));
    const found = lines.map(({ message }) => JSON.parse(message)).find((line) => line.roleSessionName === TEAM_A.id);
    if (found !== undefined) return found;
    await turn();
  }
}

async function expectRefusal(refusal: typeof UNAVAILABLE & { readonly body: string }): Promise<void> {
  const answer = await call();
  expect(answer).toMatchObject(refusal);
  expect(answer.retryAfter).toBeGreaterThan(0);
  expect(await health()).toStrictEqual({ status: 503, body: refusal.body });
  expect(chain.bedrock.requests).toHaveLength(0);
}

/** Comes again as long as there is no session, for which a busy machine may take more than five seconds. */
async function expectServed(team = TEAM_A): Promise<void> {
  for (;;) {
    const answer = await call(team);
    if (answer.status === 200) return;
    expect(answer).toMatchObject(UNAVAILABLE);
  }
}

async function expectRecovery(): Promise<void> {
  await expectServed();
  expect(await health()).toStrictEqual({ status: 200, body: '{"status":"ok"}' });
  expect(chain.host.restarts).toBe(0);
}

describe('no token at the start: a typed 503, the reason in the log, and recovery without a restart', () => {
  it.each<[string, (identity: ManagedIdentity) => void, (identity: ManagedIdentity) => void, RegExp, typeof NO_TOKEN]>([
    ['throttles', (identity) => identity.fail(429), (identity) => identity.fail(429, 0), /Failed on demand/, NO_TOKEN],
    ['fails', (identity) => identity.fail(500), (identity) => identity.fail(500, 0), /Failed on demand/, NO_TOKEN],
    [
      'has no such identity',
      (identity) => identity.fail(400),
      (identity) => identity.fail(400, 0),
      /Failed on demand/,
      NO_TOKEN,
    ],
    [
      'resets connections',
      (identity) => identity.outage(true),
      (identity) => identity.outage(false),
      /network_error/,
      NO_TOKEN,
    ],
    ['hangs', (identity) => identity.hang(true), (identity) => identity.hang(false), /Timeout|abort/i, NO_SESSION],
  ])('the token endpoint %s', async (_name, trouble, mend, reason, refusal) => {
    await start(trouble);
    await expectRefusal(refusal);
    expect(await told()).toMatchObject({ stale: false, cause: expect.stringMatching(reason) });
    expect(chain.sts.requests).toHaveLength(0);
    mend(chain.identity);
    await expectRecovery();
  });

  it('the token endpoint is slow: the callers wait', async () => {
    await start((identity) => identity.delay(700));
    const answers = await Promise.all(Array.from({ length: 20 }, () => call()));
    expect(answers.filter(({ status }) => status !== 200)).toStrictEqual([]);
    expect(chain.accounts.sessions.filter(({ session }) => session?.name === TEAM_A.id)).toHaveLength(1);
  });
});

describe('a token that AWS does not take', () => {
  it('has run out', async () => {
    await start((identity) => identity.tokenLifetime(-600));
    await expectRefusal(NO_SESSION);
    expect(await told()).toMatchObject({ code: 'ExpiredTokenException', aud: 'api://aws-bedrock', ver: '1.0' });
    chain.identity.tokenLifetime(3600);
    await expectRecovery();
  });

  it('is for somebody else: the log says for whom', async () => {
    await start(() => {}, { settings: { ...BY_TEAM, AWS_WEB_IDENTITY_AUDIENCE: 'https://vault.azure.net' } });
    await expectRefusal(NO_SESSION);
    expect(await told()).toMatchObject({ code: 'InvalidIdentityToken', aud: 'https://vault.azure.net' });
  });

  it('for an audience that the tenant does not know: there is none, and the log has the words of Entra', async () => {
    await start(() => {}, { settings: { ...BY_TEAM, AWS_WEB_IDENTITY_AUDIENCE: 'api://nobody' } });
    await expectRefusal(NO_TOKEN);
    expect(await told()).toMatchObject({ cause: expect.stringContaining('AADSTS500011') });
    expect(chain.sts.requests).toHaveLength(0);
  });
});

it('trouble later: who has a session notices nothing, a new team is refused until it is over', async () => {
  // MSAL keeps no token that lives for less than five minutes.
  await start((identity) => identity.tokenLifetime(60));
  await expectServed(TEAM_B);
  chain.identity.fail(500);
  expect(await call(TEAM_A)).toMatchObject(NO_TOKEN);
  expect(await call(TEAM_B)).toMatchObject({ status: 200 });
  expect(await told()).toMatchObject({ stale: false, cause: expect.stringContaining('Failed on demand') });
  chain.identity.fail(500, 0);
  await expectRecovery();
});
