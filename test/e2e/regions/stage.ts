import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { type Chain, type ChainOptions, startChain } from '../../emulators/chain.ts';
import { ask } from '../../support/chain-calls.ts';
import { endOf, nextRecord, type RequestRecord } from '../../support/records.ts';
import type { Shape } from '../fault-matrix/shapes.ts';

/** What a region does to a call; absent: a good answer. @param seen settles when the client has its first message */
export type Misdeed = (seen: Promise<void>) => Responder;

/** What became of one call. */
export interface Played {
  /** How it ended for the client, see `Shape.call`. */
  readonly ending: string;
  /** What its record says of the end. */
  readonly end: Record<string, unknown>;
  readonly record: RequestRecord;
  /** Requests of this call that reached each region, properly signed for it. */
  readonly sent: number[];
  /** Good answers that were given whole, or nearly: what AWS would put on the bill. */
  readonly paid: number;
  /** Tokens that the budget of the caller was charged with. */
  readonly charged: number;
}

/** A chain whose calls know nothing of each other: each has a subscription and a model of its own. */
export interface Stage {
  readonly chain: Chain;
  /** Makes one call, to which each region does what is said, in the order of the regions. */
  play(shape: Shape, misdeeds?: readonly (Misdeed | undefined)[]): Promise<Played>;
}

const REGIONS = ['us-east-1', 'us-west-2', 'us-east-2'] as const;

/** Most calls of one stage. */
const CALLS = 400;

/** @param count of regions, from one to three */
export async function startStage(
  count: number,
  settings: Record<string, string> = {},
  options: ChainOptions = {},
): Promise<Stage> {
  const keys = Array.from({ length: CALLS }, (_, index) => `row-${String(index).padStart(3, '0')}`);
  const chain = await startChain({
    regions: REGIONS.slice(0, count),
    ...options,
    settings: { BUDGETS: 'tokens/day=1000000000', ...settings },
    subscriptions: keys.map((key) => ({ id: key, name: key, key })),
  });
  let calls = 0;
  return {
    chain,
    async play(shape, misdeeds = []) {
      const row = keys[calls++] ?? 'no more rows';
      const model = `anthropic.claude-${row}`;
      const isRow = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
        headers['x-amzn-bedrock-row'] === row;
      const seen = Promise.withResolvers<void>();
      misdeeds.forEach((misdeed, index) => {
        if (misdeed !== undefined) chain.bedrocks[index]?.answer(misdeed(seen.promise), { when: isRow });
      });
      const ending = await shape.call({ chain, key: row, row, model, onFirst: seen.resolve });
      seen.resolve();
      const record = await nextRecord(chain.host, ({ subscriptionId }) => subscriptionId === row);
      const sent = chain.bedrocks.map(
        ({ requests }) => requests.filter((request) => isRow(request) && request.verified).length,
      );
      const given = chain.bedrocks.flatMap(({ usageGiven }) => usageGiven().answers);
      const paid = given.filter(({ modelId }) => modelId === model).length;
      return { ending, end: endOf(record), record, sent, paid, charged: await chargedTo(chain, row) };
    },
  };
}

async function chargedTo(chain: Chain, key: string): Promise<number> {
  const { body } = await ask(chain, '/usage', { key, body: null });
  return (JSON.parse(String(body)) as { budgets: { used: number }[] }).budgets[0]?.used ?? 0;
}
