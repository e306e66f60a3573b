import { startEntra } from '../emulators/azure/entra.ts';
import { startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { startTableStorage } from '../emulators/azure/table-storage.ts';
import { startSts } from '../emulators/sts/sts.ts';
import { HOME_ROLE, keyedAccounts } from '../support/stacks.ts';
import { type Client, startClient } from './client.ts';
import type { Contender } from './contenders/contender.ts';
import { EXAMPLE_KEY, REGION } from './contenders/credentials.ts';
import { settingsOf, startBundle } from './contenders/functions-host.ts';
import type { Target } from './load.ts';
import { type Figures, measure, rotated, warmUp } from './measure.ts';
import type { Plan } from './plan.ts';
import { WORKS } from './works.ts';

const MANY = 200;

/** Who calls the proxy, and what it does for them. */
export const TEAMS = {
  plain: { title: 'no session, 1 subscription', app: 'plain', subscriptions: 1 },
  one: { title: 'sessions, 1 subscription', app: 'sessions', subscriptions: 1 },
  many: { title: `sessions, ${MANY} subscriptions`, app: 'sessions', subscriptions: MANY },
  deployed: { title: `sessions, budgets, Entra, ${MANY} subscriptions`, app: 'deployed', subscriptions: MANY },
} as const satisfies Record<string, { title: string; app: string; subscriptions: number }>;

export type TeamsName = keyof typeof TEAMS;
export const TEAMS_NAMES = Object.keys(TEAMS) as TeamsName[];

export interface TeamsFigures {
  /** By who calls, one for each round; the rounds belong together. */
  readonly rounds: ReadonlyMap<TeamsName, readonly Figures[]>;
  /** Calls of STS for each session that it gave, all of them for an hour, which is longer than this takes. */
  readonly stsCallsPerSession: number;
}

/** Budgets that nobody uses up. */
const BUDGETS = 'tokens/minute=1000000000000, tokens/month=1000000000000000';

/** Small Converse calls, 20 at a time, of one subscription and of many in turn. */
export async function measureTeams(upstream: string, plan: Plan): Promise<TeamsFigures> {
  const accounts = keyedAccounts({ key: EXAMPLE_KEY, tenantId: '', identityObjectId: '' });
  const sts = await startSts({ accounts, region: REGION });
  const identity = await startManagedIdentity();
  const table = await startTableStorage({ identity });
  const sessions = {
    ...settingsOf(upstream),
    AWS_ROLE_ARN: HOME_ROLE,
    AWS_ROLE_SESSION_NAME: '{subscriptionId}',
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  const entra = await startEntra();
  const deployed = {
    ...sessions,
    BUDGETS,
    BUDGET_TABLE_URI: table.tableUrl,
    ...identity.environment,
    CALLER_AUTH: 'entra',
    ENTRA_TENANT_ID: entra.tenantId,
    ENTRA_AUDIENCE: entra.appClientId,
    ENTRA_ALLOWED_CALLERS: entra.callerObjectId,
    ENTRA_AUTHORITY: entra.authority,
  };
  const token = { authorization: `Bearer ${await entra.issueToken()}` };
  const apps = {
    plain: await startBundle(settingsOf(upstream)),
    sessions: await startBundle(sessions),
    deployed: await startBundle(deployed, token),
  };
  const client = await startClient();
  const rounds = new Map<TeamsName, Figures[]>(TEAMS_NAMES.map((name) => [name, []]));
  try {
    const called = (name: TeamsName): Pick<Contender, 'target' | 'usage'> => {
      const { app, subscriptions } = TEAMS[name];
      return { ...apps[app], target: { ...apps[app].target, subscriptions } };
    };
    for (const name of TEAMS_NAMES) {
      await callAll(client, called(name).target);
      await warmUp(client, called(name), plan);
    }
    for (let round = 0; round < plan.rounds; round += 1) {
      for (const name of rotated(TEAMS_NAMES, round)) {
        rounds.get(name)?.push(await measure(client, called(name), WORKS.small20, plan));
      }
    }
  } finally {
    await client.stop();
    await Promise.all(Object.values(apps).map((app) => app.close()));
    await Promise.all([sts.close(), identity.close(), table.close(), entra.close()]);
  }
  return { rounds, stsCallsPerSession: sts.requests.length / accounts.sessions.length };
}

/** A call of each subscription at least, which makes its session. */
async function callAll(client: Client, target: Target): Promise<void> {
  await client.ask('open', { target, work: WORKS.small20 });
  for (let called = 0; called < MANY; called += WORKS.small20.concurrency) await client.ask('run', 0);
  await client.ask('close');
}
