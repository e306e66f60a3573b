import { startEntra } from '../emulators/azure/entra.ts';
import { startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { startTableStorage } from '../emulators/azure/table-storage.ts';
import { startSts } from '../emulators/sts/sts.ts';
import { HOME_ROLE, keyedAccounts } from '../support/stacks.ts';
import { EXAMPLE_KEY, REGION } from './contenders/credentials.ts';
import { settingsOf } from './contenders/functions-host.ts';

/** Subscriptions, where there are many. */
export const MANY = 200;

/** Who calls the proxy, and what it does for them. */
export const TEAMS = {
  plain: { title: 'no session, 1 subscription', app: 'plain', subscriptions: 1 },
  budgets: { title: 'budgets, 1 subscription', app: 'budgets', subscriptions: 1 },
  one: { title: 'sessions, 1 subscription', app: 'sessions', subscriptions: 1 },
  many: { title: `sessions, ${MANY} subscriptions`, app: 'sessions', subscriptions: MANY },
  oneOfAll: { title: 'sessions, budgets, guardrail, Entra, 1 subscription', app: 'all', subscriptions: 1 },
  manyOfAll: { title: `sessions, budgets, guardrail, Entra, ${MANY} subscriptions`, app: 'all', subscriptions: MANY },
} as const satisfies Record<string, { title: string; app: AppName; subscriptions: number }>;

export type TeamsName = keyof typeof TEAMS;
export const TEAMS_NAMES = Object.keys(TEAMS) as TeamsName[];

/** Sets of settings, each of a worker of its own. */
export type AppName = 'plain' | 'budgets' | 'sessions' | 'all';

export interface TeamsApp {
  readonly settings: Record<string, string>;
  /** What the gateway sends with each call. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the apps need beside Bedrock. */
export interface TeamsServers {
  readonly apps: Readonly<Record<AppName, TeamsApp>>;
  /** Sessions that STS was asked for until now. */
  sessionsAsked(): number;
  close(): Promise<void>;
}

/** Budgets that nobody uses up. */
const BUDGETS = 'tokens/minute=1000000000000, tokens/month=1000000000000000';

export async function startTeamsServers(upstream: string): Promise<TeamsServers> {
  const accounts = keyedAccounts({ key: EXAMPLE_KEY, tenantId: '', identityObjectId: '' });
  const sts = await startSts({ accounts, region: REGION });
  const identity = await startManagedIdentity();
  const table = await startTableStorage({ identity });
  const entra = await startEntra();
  const plain = settingsOf(upstream);
  const budgets = { BUDGETS, BUDGET_TABLE_URI: table.tableUrl, ...identity.environment };
  const sessions = {
    AWS_ROLE_ARN: HOME_ROLE,
    AWS_ROLE_SESSION_NAME: '{subscriptionId}',
    AWS_ENDPOINT_URL_STS: sts.url,
  };
  const callers = {
    CALLER_AUTH: 'entra',
    ENTRA_TENANT_ID: entra.tenantId,
    ENTRA_AUDIENCE: entra.appClientId,
    ENTRA_ALLOWED_CALLERS: entra.callerObjectId,
    ENTRA_AUTHORITY: entra.authority,
  };
  return {
    apps: {
      plain: { settings: plain, headers: {} },
      budgets: { settings: { ...plain, ...budgets }, headers: {} },
      sessions: { settings: { ...plain, ...sessions }, headers: {} },
      all: {
        settings: { ...plain, ...sessions, ...budgets, ...callers },
        headers: {
          authorization: `Bearer ${await entra.issueToken()}`,
          'x-gateway-guardrail': 'gr7abc123def:3',
        },
      },
    },
    sessionsAsked: () => sts.requests.length,
    async close() {
      await Promise.all([sts.close(), identity.close(), table.close(), entra.close()]);
    },
  };
}
