import type { Tokens } from '../emulators/bedrock/tokens.ts';
import { added, NOTHING, type Prices, type Sums, toldSums, TOKEN_KINDS } from '../budgets/sums.ts';
import type { RequestRecord } from '../support/records.ts';
import type { Ended } from './call.ts';
import { type Fault, isUnread } from './faults.ts';
import type { Operation } from './operations.ts';
import { COMPLETE } from './outcome.ts';
import { type Team, USED_UP } from './teams.ts';

/** One call, as it is to be made. */
export interface Plan {
  readonly number: number;
  readonly operation: Operation;
  readonly team: Pick<Team, 'isSmall' | 'key'> & { readonly id?: string; readonly productId?: string };
  readonly fault: Fault | undefined;
  /** The outcomes that are as they should be; absent: of the call no more is known than what came to Bedrock. */
  readonly explains?: readonly string[];
  /** Accounts that it is charged to. */
  accounts(record: RequestRecord): readonly string[];
}

/** A request of a call, as it came to Bedrock. */
export interface Asked {
  /** Of Bedrock's answer. */
  readonly requestId: string;
  readonly region: string;
  readonly modelId: string | undefined;
  /** What the whole answer tells. */
  readonly tokens: Tokens | undefined;
  /** Whether it is answered by anything but a refusal. */
  readonly isPaid: boolean;
}

/** What was told to an account: by answers that came whole, and by those that broke off. */
export interface Told {
  readonly whole: Sums;
  readonly broken: Sums;
}

/** Puts together what caller, log and Bedrock know of each call, and looks whether it is the same. */
export interface Audit {
  planned(plan: Plan): void;
  asked(call: number, asked: Asked): void;
  ended(call: number, ended: Ended): void;
  record(record: RequestRecord): void;
  /** Calls of which something is still to come. */
  readonly open: number;
  /** Judges those that are left, of which no more will come. */
  close(): void;
  readonly unexplained: readonly string[];
  told(account: string): Told;
  /** Those that something was told to. */
  readonly accounts: readonly string[];
  /** Refusals for a budget that was used up. */
  readonly usedUp: number;
  /** Calls of which Bedrock heard, by `<group> <region>` of the last request. */
  readonly byGroup: ReadonlyMap<string, number>;
}

interface Call {
  readonly plan: Plan;
  readonly asked: Asked[];
  ended?: Ended;
  record?: RequestRecord;
}

export function createAudit(prices: Prices): Audit {
  const open = new Map<number, Call>();
  const byBedrockId = new Map<string, number>();
  const byInvocation = new Map<string, number>();
  /** Records whose call is not known yet, by their invocation. */
  const strays = new Map<string, RequestRecord>();
  const unexplained: string[] = [];
  const told = new Map<string, Told>();
  const byGroup = new Map<string, number>();
  let usedUp = 0;

  const charge = (accounts: readonly string[], part: keyof Told, modelId: string, tokens: Tokens) => {
    for (const account of accounts) {
      const before = told.get(account) ?? { whole: NOTHING, broken: NOTHING };
      told.set(account, { ...before, [part]: added(before[part], toldSums([{ modelId, tokens }], prices)) });
    }
  };
  const judge = (number: number, call: Call) => {
    open.delete(number);
    const { plan, asked, ended, record } = call;
    for (const { requestId } of asked) byBedrockId.delete(requestId);
    if (ended?.invocationId !== undefined) byInvocation.delete(ended.invocationId);
    const { operation, team, fault } = plan;
    const last = asked.at(-1);
    if (last !== undefined) {
      const name = `${operation.group} ${last.region}`;
      byGroup.set(name, (byGroup.get(name) ?? 0) + 1);
    }
    const answering = asked.find(({ requestId }) => requestId === record?.['bedrockRequestId']);
    if (record?.['budgetExceeded'] !== undefined) usedUp += 1;
    const problems = [...outcomeProblems(call), ...recordProblems(call), ...tokenProblems(call, answering)];
    for (const problem of problems) {
      unexplained.push(`call ${number}, ${team.id ?? ''}, ${operation.path}, fault "${fault?.name ?? ''}": ${problem}`);
    }
    const used = tokensOf(record);
    if (used === undefined || record === undefined || operation.spends === undefined) return;
    charge(plan.accounts(record), ended?.outcome === COMPLETE ? 'whole' : 'broken', answering?.modelId ?? '', used);
  };
  const settle = (number: number | undefined) => {
    const call = number === undefined ? undefined : open.get(number);
    if (number === undefined || call?.ended === undefined) return;
    const { invocationId } = call.ended;
    if (invocationId !== undefined && call.record === undefined) {
      const stray = strays.get(invocationId);
      strays.delete(invocationId);
      if (stray !== undefined) call.record = stray;
    }
    // The gateway's own refusals have no record; whoever has left cannot know whether there is one.
    if (call.record !== undefined || (invocationId === undefined && call.ended.status !== 0)) judge(number, call);
  };
  return {
    planned: (plan) => void open.set(plan.number, { plan, asked: [] }),
    asked(number, asked) {
      const call = open.get(number);
      if (call === undefined) return void unexplained.push(`call ${number} has come to Bedrock after its end`);
      call.asked.push(asked);
      byBedrockId.set(asked.requestId, number);
    },
    ended(number, ended) {
      const call = open.get(number);
      if (call === undefined) return;
      call.ended = ended;
      if (ended.invocationId !== undefined) byInvocation.set(ended.invocationId, number);
      settle(number);
    },
    record(record) {
      const invocation = String(record['requestId']);
      const number = byBedrockId.get(String(record['bedrockRequestId'])) ?? byInvocation.get(invocation);
      const call = number === undefined ? undefined : open.get(number);
      if (call === undefined) return void strays.set(invocation, record);
      call.record = record;
      settle(number);
    },
    get open() {
      return open.size;
    },
    close() {
      for (const [number, call] of open) judge(number, call);
      for (const record of strays.values()) {
        if (tokensOf(record) === undefined) continue;
        unexplained.push(`a record without a call has tokens: ${JSON.stringify(record)}`);
      }
    },
    unexplained,
    told: (account) => told.get(account) ?? { whole: NOTHING, broken: NOTHING },
    get accounts() {
      return Array.from(told.keys());
    },
    get usedUp() {
      return usedUp;
    },
    byGroup,
  };
}

function outcomeProblems({ plan: { operation, team, explains }, asked, ended, record }: Call): string[] {
  if (explains === undefined) return [];
  const outcome = ended?.outcome ?? 'no end';
  const isUsedUp = team.isSmall && operation.spends !== undefined && USED_UP.includes(outcome);
  const ofBudget = isUsedUp && record?.['budgetExceeded'] !== undefined && asked.length === 0;
  const isExplained = ofBudget || explains.includes(outcome);
  return [
    ...(isExplained ? [] : [`it ended as "${outcome}"`]),
    ...(asked.filter(({ isPaid }) => isPaid).length > 1 ? ['it was paid twice'] : []),
  ];
}

/** Where the answer and the record differ. */
function recordProblems({ plan, asked, ended, record }: Call): string[] {
  const { operation, team, fault, explains } = plan;
  if (explains === undefined) return [];
  if (ended?.invocationId !== undefined && record === undefined) return ['it has no record'];
  if (record === undefined || ended === undefined) return [];
  const errorTypes = fault?.recordedAs ?? [ended.errorType];
  const expected: Record<string, unknown> = {
    subscriptionId: team.id,
    productId: team.productId,
    ...(isUnread(fault) || (ended.status === 503 && record['operation'] === undefined)
      ? {}
      : { operation: operation.name, operationGroup: operation.group }),
    ...(ended.status === 0 ? {} : { status: ended.status }),
    ...(ended.errorType === undefined || errorTypes.includes(String(record['errorType']))
      ? {}
      : { errorType: errorTypes.join(' or ') }),
    ...(ended.outcome === COMPLETE ? { outcome: 'complete', region: asked.at(-1)?.region } : {}),
  };
  return Object.entries(expected)
    .filter(([name, value]) => record[name] !== value)
    .map(([name, value]) => `${name} of its record is ${String(record[name])} and not ${String(value)}`);
}

/** Where the record tells other tokens than Bedrock: of a whole answer all of them, of a broken one no more. */
function tokenProblems({ ended, record }: Call, answering: Asked | undefined): string[] {
  const used: Partial<Tokens> = tokensOf(record) ?? {};
  const given: Partial<Tokens> = answering?.tokens ?? {};
  const isWrong = (kind: (typeof TOKEN_KINDS)[number]) => {
    const [one, other] = [used[kind] ?? 0, given[kind] ?? 0];
    return ended?.outcome === COMPLETE ? one !== other : one > other;
  };
  return TOKEN_KINDS.filter(isWrong).map(
    (kind) => `${kind} of its record: ${used[kind] ?? 0}, of Bedrock: ${given[kind] ?? 0}`,
  );
}

/** Tokens that a record says were used; undefined: none. What was only counted was not used. */
function tokensOf(record: RequestRecord | undefined): Tokens | undefined {
  if (record === undefined || TOKEN_KINDS.every((kind) => record[kind] === undefined)) return undefined;
  const count = (kind: (typeof TOKEN_KINDS)[number]) => Number(record[kind] ?? 0);
  return {
    inputTokens: count('inputTokens'),
    outputTokens: count('outputTokens'),
    cacheReadInputTokens: count('cacheReadInputTokens'),
    cacheWriteInputTokens: count('cacheWriteInputTokens'),
    cacheWrite1hInputTokens: count('cacheWrite1hInputTokens'),
  };
}
