import { ALIAS, pricedModel } from '../support/models.ts';
import type { Random } from './random.ts';

/** Value of an order, as it stands in its header. */
export interface Order {
  readonly header: string;
  readonly value: string | readonly string[];
  /** Whether it can be understood; `any` where only the function knows. */
  readonly verdict: 'good' | 'bad' | 'any';
  /** Whether it may forbid a call that is in order. */
  readonly restricts?: true;
}

type MakeOrder = (random: Random) => Order;

const AMOUNT = { tokens: '9000000000000', cost: '9000000.000000001' };

const GOOD: Readonly<Record<string, readonly string[]>> = {
  'x-gateway-guardrail': ['gr7abc123def:3', ' gr7abc123def:3 '],
  'x-gateway-model-aliases': [`${ALIAS}=${pricedModel}`, `a=b , ${ALIAS} = ${pricedModel}`],
  'x-gateway-operations': ['inference,discovery,mantle', 'discovery , inference, retrieval, agents, agentcore, mantle'],
  'x-gateway-region': ['us-east-1', 'eu-west-1', 'eu-west-1, us-east-1', 'us-east-1,us-east-1'],
  'x-gateway-allowed-models': [`${pricedModel},openai.*`, 'openai.*, anthropic.*', '*'],
};

/** Good ones that forbid something. */
const RESTRICTING: Readonly<Record<string, readonly string[]>> = {
  'x-gateway-operations': ['agents', 'discovery', 'agentcore,agentcore'],
  'x-gateway-allowed-models': ['nobody.model', '__proto__', 'nobody.*, nobody.model'],
};

const BAD: Readonly<Record<string, readonly string[]>> = {
  'x-gateway-budgets': [
    ['', ',', ' ', 'tokens/minute', 'tokens/minute=', '=5', 'tokens/second=5', 'tokens/minute=-1', 'tokens/minute=0'],
    ['tokens/minute=1.5', 'cost/month=0.0000000001', 'tokens/minute=1e9', 'tokens/minute=99999999999999999'],
    ['cost/month=9007200', 'cost/month=1,cost/month=2', 'cost/month=5,', ',cost/month=5', 'Tokens/minute=5'],
    [
      'product :tokens/day=1',
      'product:product:tokens/day=1',
      'subscription:tokens/day=1',
      'tokens/minute=5;cost/day=1',
    ],
    ['tokens/minute=0x10', 'tokens/minute=+5', 'tokens/minute=5 tokens', 'tokens/day==5', 'tokens/day=5=5', '%E0%A4%A'],
    ['__proto__=1', 'constructor/minute=1', 'cost/month=NaN', 'cost/month=Infinity', 'cost/month=.5', 'cost/month=5.'],
    ['tokens/minute=%D9%A3', 'tokens/day=5%00', '%2525', `tokens/day=${'9'.repeat(4000)}`],
    [`${'cost/month=1,'.repeat(400)}cost/month=1`, 'tokens/minute=5, "cost/month=1"', "tokens/minute='5'"],
  ].flat(),
  'x-gateway-guardrail': [
    [
      '',
      ':',
      ':3',
      'gr:0',
      'gr7abc123def',
      'gr7abc123def:',
      'gr7abc123def:3:4',
      'GR:1',
      'gr 7:1',
      'gr7abc123def:DRAFT1',
    ],
    ['%zz', `${'g'.repeat(3000)}:1`, 'arn:aws:s3:::b:1', 'gr7abc123def:3,gr7abc123def:3', '../x:1', 'gr7abc123def:03'],
  ].flat(),
  'x-gateway-model-aliases': [
    ['', ',', 'a', 'a=', '=b', 'a=b=c', 'a=b,a=c', 'a=b,', 'a*=b', 'a=b?', 'a=..', 'a=b/../c', '%C3', 'a=b%23', '=='],
  ].flat(),
  'x-gateway-operations': [
    '',
    ',',
    'everything',
    'inference,',
    'Inference',
    'inference;mantle',
    '*',
    '%',
    'inference mantle',
  ],
  'x-gateway-region': [
    '',
    'mars-1',
    'us-east-1,',
    'us-east-1;eu-west-1',
    '%zz',
    'US-EAST-1',
    'us-east-1.evil.example',
    '../',
  ],
  'x-gateway-allowed-models': ['', ',', 'nobody.model,', '**', '%', '*a', 'a b', 'a;b', 'a**'],
  'x-gateway-role-arn': [
    ['', 'role', 'arn:aws:iam::123456789012:user/x', 'arn:aws:iam::12:role/x', 'arn:aws:iam::123456789012:role/'],
    ['%', 'arn:aws:iam::123456789012:role/a%00b', `arn:aws:iam::123456789012:role/${'x'.repeat(65)}`],
  ].flat(),
};

const HEADERS = Object.keys(BAD);

/** One order of any kind. */
export function anyOrder(random: Random): Order {
  return random.pick(KINDS)(random);
}

/** Budgets that can be understood, of these windows; `used up` after little. */
export function goodBudgets(random: Random, isSmall: boolean): Order {
  const names = ['tokens/hour', 'tokens/day', 'cost/month', 'cost/hour', 'product:tokens/month', 'product:cost/day'];
  const count = 1 + random.integer(3);
  const from = random.integer(names.length);
  const budgets = Array.from({ length: count }, (_, index) => names[(from + index) % names.length] ?? '');
  const minute = random.oneIn(3) ? ['tokens/minute'] : [];
  const list = [...budgets, ...minute].map((name) => {
    const [unit, small] = name.includes('cost/') ? (['cost', '0.0005'] as const) : (['tokens', '60'] as const);
    const space = random.pick(['', '', ' ']);
    return `${name}${space}=${space}${isSmall ? small : AMOUNT[unit]}`;
  });
  const value = list.join(random.pick([',', ', ', ' ,  ']));
  return {
    header: 'x-gateway-budgets',
    value: random.oneIn(2) ? encodeURIComponent(value) : value,
    verdict: 'good',
    ...(isSmall ? { restricts: true } : {}),
  };
}

const KINDS: readonly MakeOrder[] = [
  (random) => goodBudgets(random, false),
  (random) => goodBudgets(random, true),
  (random) => listed(GOOD, random, { verdict: 'good' }),
  (random) => listed(RESTRICTING, random, { verdict: 'good', restricts: true }),
  (random) => listed(BAD, random, { verdict: 'bad' }),
  (random) => listed(BAD, random, { verdict: 'bad' }),
  (random) => {
    const header = random.pick(HEADERS);
    return { header, value: spoilt(valueOf(random, header), random), verdict: 'any', restricts: true };
  },
  // Twice: the host joins them with a comma.
  (random) => {
    const header = random.pick(HEADERS);
    return { header, value: [valueOf(random, header), valueOf(random, header)], verdict: 'any', restricts: true };
  },
];

function valueOf(random: Random, header: string): string {
  return header === 'x-gateway-budgets'
    ? String(goodBudgets(random, false).value)
    : random.pick(GOOD[header] ?? BAD[header] ?? ['']);
}

function listed(
  values: Readonly<Record<string, readonly string[]>>,
  random: Random,
  what: Pick<Order, 'verdict' | 'restricts'>,
): Order {
  const header = random.pick(Object.keys(values));
  const value = random.pick(values[header] ?? ['']);
  // As the gateway's policy writes it, or as a rule of one's own does that knows no better.
  return { header, value: random.oneIn(2) && !value.includes('%') ? encodeURIComponent(value) : value, ...what };
}

/** With some characters lost, doubled, or in the place of others; printable ASCII, as the gateway lets through. */
function spoilt(value: string, random: Random): string {
  const characters = Array.from(value);
  for (let count = 1 + random.integer(3); count > 0; count -= 1) {
    const at = random.integer(characters.length + 1);
    const inserted = random.pick(['', String.fromCodePoint(0x20 + random.integer(0x5f)), value.slice(0, 20), '%']);
    characters.splice(at, random.integer(3), inserted);
  }
  return characters.join('').trim();
}
