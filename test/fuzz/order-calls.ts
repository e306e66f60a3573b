import { GROUP_OPERATIONS } from '../soak/group-operations.ts';
import { INFERENCE } from '../soak/inference.ts';
import type { Operation } from '../soak/operations.ts';
import { COMPLETE } from '../soak/outcome.ts';
import { anyOrder, goodBudgets, type Order } from './order-values.ts';
import type { Random } from './random.ts';

/** How the budgets of a caller stand; the function answers it by itself. */
const USAGE: Operation = { name: 'usage', group: 'discovery', method: 'GET', path: '/usage', shape: 'plain' };

/** Names as a gateway may have them, percent-encoded or not. */
const IDS = [
  ['plain', 'team%20a', '%E4%B8%AD%E6%96%87', "o'neil", 'a/b\\c#?', 'x'.repeat(600), '%', '%00', '__proto__', ''],
  ['subscription:x', 'a=2F', 'a%2F', '%27%27', '"', 'constructor', '.', '..', '%F0%9F%A6%86', 'A'],
].flat();

/** A call by the gateway's orders. */
export interface OrderedCall {
  readonly operation: Operation;
  readonly orders: readonly Order[];
  /** As the record tells them. */
  readonly id?: string;
  readonly productId?: string;
}

/** A call that is in order, with orders of any kind. */
export function orderedCall(random: Random): OrderedCall {
  const operation = random.oneIn(8) ? USAGE : random.pick(random.oneIn(3) ? GROUP_OPERATIONS : INFERENCE);
  const orders = new Map<string, Order>();
  if (!random.oneIn(4)) orders.set('x-gateway-budgets', goodBudgets(random, random.oneIn(4)));
  for (let count = random.integer(3); count > 0; count -= 1) {
    const order = anyOrder(random);
    orders.set(order.header, order);
  }
  const name = () => (random.oneIn(10) ? undefined : random.pick(IDS));
  const [id, productId] = [name(), name()];
  return {
    operation: { ...operation, headers: { ...operation.headers, ...headersOf(orders.values(), id, productId) } },
    orders: [...orders.values()],
    ...(id === undefined ? {} : { id: decoded(id) }),
    ...(productId === undefined ? {} : { productId: decoded(productId) }),
  };
}

/** Headers of orders that a client has made up, in names that somebody on the way may take for the gateway's. */
export function forgedHeaders(random: Random): Operation['headers'] {
  const orders = Array.from({ length: 1 + random.integer(4) }, () => anyOrder(random));
  const headers: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(headersOf(orders, random.pick(IDS), random.pick(IDS)))) {
    headers[random.pick([name, name.toUpperCase(), name.replace('x-gateway', 'X-Gateway')])] = value;
  }
  return {
    ...headers,
    'x-gateway-client-region': random.pick(['eu-west-1', 'mars-1', '', '%']),
    x_gateway_budgets: '1',
  };
}

function headersOf(orders: Iterable<Order>, id: string | undefined, productId: string | undefined) {
  return {
    ...Object.fromEntries(Array.from(orders, ({ header, value }) => [header, value])),
    ...(id === undefined ? {} : { 'x-gateway-subscription-id': id }),
    ...(productId === undefined ? {} : { 'x-gateway-product-id': productId }),
  };
}

/** What the function has to make of a call by these orders. */
export interface Expected {
  readonly outcomes: readonly string[];
  /** Headers one of which a 503 has to name. */
  readonly blamed: readonly string[];
}

export function expectedOf({ operation, orders }: Pick<OrderedCall, 'operation' | 'orders'>): Expected {
  const read = orders.filter(({ header }) => isRead(operation, header));
  const blamed = read.filter(({ verdict }) => verdict !== 'good').map(({ header }) => header);
  const isBad = read.some(({ verdict }) => verdict === 'bad');
  return {
    blamed,
    outcomes: [
      ...(isBad ? [] : [COMPLETE]),
      ...(blamed.length > 0 ? ['503 ServiceUnavailableException'] : []),
      ...read.flatMap((order) => refusalsBy(order, operation)),
    ],
  };
}

/** Whether an order is looked at: all of them where something of AWS's is called, budgets for `/usage` too. */
function isRead({ name }: Operation, header: string): boolean {
  return header === 'x-gateway-budgets' || name !== 'usage';
}

/** Refusals by orders that can be understood, and forbid the call. */
function refusalsBy({ header, value, verdict, restricts }: Order, operation: Operation): string[] {
  const { group, name, spends, priced } = operation;
  if (verdict === 'bad' || name === 'usage') return [];
  switch (header) {
    case 'x-gateway-operations':
      return restricts || !decoded(String(value)).includes(group) ? ['404 UnknownOperationException'] : [];
    case 'x-gateway-budgets': {
      const isInMoney = decoded(String(value)).includes('cost/');
      const isUnpriced = isInMoney && spends !== undefined && priced !== true;
      const usedUp = restricts ? ['429 ThrottlingException', '403 AccessDeniedException'] : [];
      return [...usedUp, ...(isUnpriced ? ['403 AccessDeniedException'] : [])];
    }
    case 'x-gateway-allowed-models':
      return decoded(String(value)) === '*' && INFERENCE.some((each) => each.name === name)
        ? []
        : ['403 AccessDeniedException'];
    case 'x-gateway-guardrail': {
      // One that the account does not have is Bedrock's to refuse.
      const unknown = verdict === 'any' ? ['400 ValidationException', '404 ResourceNotFoundException'] : [];
      const takesOne = group === 'discovery' || (group === 'inference' && !TAKE_NONE.has(name));
      return [...unknown, ...(takesOne ? [] : ['403 AccessDeniedException'])];
    }
    default:
      return [];
  }
}

const TAKE_NONE = new Set(['Responses', 'StartAsyncInvoke']);

export function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
