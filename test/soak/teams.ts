import type { Subscription } from '../emulators/gateway/gateway.ts';
import { globalPolicy } from '../emulators/gateway/harness.ts';
import type { Operation } from './operations.ts';

/** A subscription, and the budgets that the gateway orders for it. */
export interface Team extends Subscription {
  readonly productId: string;
  readonly budgets: string;
  /** Regions that the gateway orders; absent: those of the app. */
  readonly regions?: string;
  /** Accounts that its calls are charged to. */
  readonly accounts: readonly string[];
  /** Whether it has a budget in money, by which only models with a price may be called. */
  readonly inMoney: boolean;
  /** Whether its budgets are used up while the soak goes on. */
  readonly isSmall: boolean;
}

const TOKENS = 9_000_000_000_000_000;
const MONEY = 9_000_000;

/** Tokens and money, every window, both scopes; teams of one product, and two whose budgets are soon used up. */
export const TEAMS: readonly Team[] = [
  team(
    'research',
    'open',
    `tokens/minute=${TOKENS}, tokens/hour=${TOKENS}, tokens/day=${TOKENS}, product:tokens/month=${TOKENS}`,
  ),
  { ...team('west', 'open', `tokens/hour=${TOKENS}, product:tokens/month=${TOKENS}`), regions: 'us-west-2, us-east-1' },
  team('shop', 'priced', `cost/hour=${MONEY}, cost/month=${MONEY}, tokens/day=${TOKENS}, product:cost/month=${MONEY}`),
  team('desk', 'priced', `cost/day=${MONEY}, tokens/minute=${TOKENS}, product:cost/month=${MONEY}`),
  { ...team('trial', 'small', `tokens/minute=1500, product:tokens/hour=${TOKENS}`), isSmall: true },
  { ...team('pilot', 'small', `cost/month=0.01, product:tokens/hour=${TOKENS}`), isSmall: true },
];

function team(id: string, productId: string, budgets: string): Team {
  const scopes = new Set(budgets.split(', ').map((budget) => budget.startsWith('product:')));
  return {
    id,
    key: `key-of-${id}`,
    productId,
    budgets,
    accounts: [
      ...(scopes.has(false) ? [`subscription:${id}`] : []),
      ...(scopes.has(true) ? [`product:${productId}`] : []),
    ],
    inMoney: budgets.includes('cost/'),
    isSmall: false,
  };
}

/** The rule of all APIs by which each subscription has its budgets and regions. */
export const TEAM_POLICY = globalPolicy({
  inbound: `<choose>${TEAMS.map(
    ({ id, budgets, regions }) => `<when condition='@(context.Subscription.Id == "${id}")'>
    <set-variable name="bedrock-budgets" value="${budgets}" />
    ${regions === undefined ? '' : `<set-variable name="bedrock-region" value="${regions}" />`}</when>`,
  ).join('')}</choose>`,
});

/** Whether a team's budgets let it call an operation at all. */
export function mayCall({ inMoney }: Team, { spends, priced }: Operation): boolean {
  return !inMoney || spends === undefined || priced === true;
}

/** How a call ends for which nothing is left. */
export const USED_UP: readonly string[] = ['429 ThrottlingException', '403 AccessDeniedException'];
