import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { type Chain, type ChainOptions, startChain } from '../../emulators/chain.ts';
import { endOf, nextRecord, recordsOf } from '../../support/records.ts';
import type { Shape } from './shapes.ts';

/** What became of one call. */
export interface Played {
  /** How it ended for the client, see `Shape.call`. */
  readonly ending: string;
  /** What its record says of the end. */
  readonly end: Record<string, unknown>;
  /** Requests of this call that reached Bedrock. */
  readonly sent: number;
}

/** A chain whose calls can be told apart: each is made with a subscription of its own. */
export interface Stage {
  readonly chain: Chain;
  /** Makes one call; the responder, if any, answers it at Bedrock. */
  play(shape: Shape, answer?: (seen: Promise<void>) => Responder): Promise<Played>;
  /** The subscription of the next call that is made by other means. */
  nextKey(): string;
  /** How many records there are of each call made so far, once they are all there. */
  recordCounts(): Promise<number[]>;
}

/** Most calls of one stage. */
const CALLS = 500;

export async function startStage(settings: Record<string, string>, options: ChainOptions = {}): Promise<Stage> {
  const keys = Array.from({ length: CALLS }, (_, index) => `row-${index}`);
  const subscriptions = keys.map((key) => ({ id: key, name: key, key }));
  const chain = await startChain({ ...options, settings, subscriptions });
  let calls = 0;
  const nextKey = () => keys[calls++] ?? 'no more rows';
  const recordOf = (key: string) => nextRecord(chain.host, ({ subscriptionId }) => subscriptionId === key);
  return {
    chain,
    nextKey,
    async play(shape, answer) {
      const row = nextKey();
      const isRow = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
        headers['x-amzn-bedrock-row'] === row;
      const seen = Promise.withResolvers<void>();
      if (answer !== undefined) chain.bedrock.answer(answer(seen.promise), { when: isRow });
      const ending = await shape.call({ chain, key: row, row, onFirst: seen.resolve });
      // An answer that waits for its client waits no longer.
      seen.resolve();
      const end = endOf(await recordOf(row));
      return { ending, end, sent: chain.bedrock.requests.filter(isRow).length };
    },
    async recordCounts() {
      const made = keys.slice(0, calls);
      await Promise.all(made.map(recordOf));
      const ids = recordsOf(chain.host).map(({ subscriptionId }) => subscriptionId);
      return made.map((key) => ids.filter((id) => id === key).length);
    },
  };
}
