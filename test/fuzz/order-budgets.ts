import { globalPolicy } from '../emulators/gateway/harness.ts';
import type { RequestRecord } from '../support/records.ts';

/** Budgets of the settings: by the calendar alone, which is what a record tells. */
export const DEFAULT_BUDGETS = 'tokens/day=9000000000000, product:tokens/month=9000000000000';

/** What API Management orders for three subscriptions: nothing, budgets, and what cannot be understood. */
export const SUBSCRIPTIONS: readonly { readonly id: string; readonly key: string; readonly budgets?: string }[] = [
  { id: 'plain', key: 'key-of-plain' },
  { id: 'money', key: 'key-of-money', budgets: 'cost/month=9000000, product:tokens/day=9000000000000' },
  { id: 'wrong', key: 'key-of-wrong', budgets: 'cost/month' },
];

export const ORDERS = globalPolicy({
  inbound: `<choose>${SUBSCRIPTIONS.map(({ id, budgets }) =>
    budgets === undefined
      ? ''
      : `<when condition='@(context.Subscription.Id == "${id}")'>
    <set-variable name="bedrock-budgets" value="${budgets}" /></when>`,
  ).join('')}</choose>`,
});

/** Names of budgets in a list of them, with numbers or without. */
export function namesIn(budgets: string): string[] {
  return budgets.split(',').map((budget) => budget.split('=', 1).join('').trim());
}

/** Accounts that a call is charged to: those of its caller that one of these budgets is for. */
export function accountsBy(names: readonly string[], record: RequestRecord): string[] {
  const isOfProduct = (name: string) => name.startsWith('product:');
  const id = (value: unknown) => (typeof value === 'string' ? value : '');
  return [
    ...(names.every(isOfProduct) ? [] : [`subscription:${id(record['subscriptionId'])}`]),
    ...(names.some(isOfProduct) ? [`product:${id(record['productId'])}`] : []),
  ];
}
