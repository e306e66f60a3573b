import { SignatureRefused } from '../aws/signature-refusal.ts';
import { NotConnected, type UpstreamAnswer } from '../aws/upstream.ts';
import { retryAfterMs, type Verdict, verdictOf } from '../aws/verdict.ts';
import { ProxyError } from '../errors.ts';
import type { RegionPlan } from '../regions/plan.ts';

/**
 * Makes the call in one region.
 *
 * @param isHome whether it is the region in which the call is made unless that cannot work
 */
export type AskRegion = (region: string, isHome: boolean) => Promise<UpstreamAnswer>;

/** An answer, or the failure that came in its place, and no model has heard of. */
type Outcome =
  | { readonly verdict: Verdict; readonly answer: UpstreamAnswer }
  | { readonly verdict: 'unreachable' | 'notHere'; readonly failure: ProxyError };

/**
 * Makes a call in one region after the other, until one of them works: only a region that cannot have worked is followed
 * by another. If none of the others works either, the first outcome is the caller's: of what the others do not have, the
 * caller knows nothing.
 *
 * @param now milliseconds since 1970
 * @throws ProxyError as `ask` does
 */
export async function sendAcross(plan: RegionPlan, ask: AskRegion, now: () => number): Promise<UpstreamAnswer> {
  const { order, awayFrom, finds } = plan;
  const home = awayFrom ?? order[0];
  const queue = [...order];
  let first: Outcome | undefined;
  try {
    for (let region = queue.shift(); region !== undefined; region = queue.shift()) {
      const outcome = await outcomeOf(ask(region, region === home), region === home);
      const isMiss = finds && 'answer' in outcome && outcome.answer.status === 404;
      if (outcome.verdict === 'worked' || (outcome.verdict === 'notHere' && region === home && !isMiss)) {
        if ('answer' in outcome && outcome.answer.status < 400) plan.served(region);
        return resultOf(outcome);
      }
      if (outcome.verdict === 'unreachable') plan.unreachable(region);
      // Its account does not take the keys, whoever calls.
      else if (!('answer' in outcome)) plan.refused(region);
      else if (outcome.verdict === 'refused') plan.refused(region, retryAfterMs(outcome.answer, now()));
      else if (!isMiss) plan.notHere(region, retryAfterMs(outcome.answer, now()));
      if ((outcome.verdict !== 'notHere' || isMiss) && first === undefined) first = outcome;
      else drop(outcome);
      if (queue.length === 0 && first === undefined && awayFrom !== undefined) queue.push(awayFrom);
    }
    if (first === undefined) throw new Error('No region was asked.');
    const given = first;
    first = undefined;
    return resultOf(given);
  } finally {
    drop(first);
  }
}

async function outcomeOf(asked: Promise<UpstreamAnswer>, isHome: boolean): Promise<Outcome> {
  try {
    const answer = await asked;
    return { verdict: verdictOf(answer), answer };
  } catch (error) {
    if (error instanceof NotConnected) return { verdict: 'unreachable', failure: error };
    // Keys need not be good in every region: an account has to opt in to some.
    if (!isHome && error instanceof ProxyError && error.cause instanceof SignatureRefused) {
      return { verdict: 'notHere', failure: error };
    }
    throw error;
  }
}

function resultOf(outcome: Outcome): UpstreamAnswer {
  if ('answer' in outcome) return outcome.answer;
  throw outcome.failure;
}

/** Nobody reads it. Its connection is free again, if the answer is complete. */
function drop(outcome: Outcome | undefined): void {
  if (outcome !== undefined && 'answer' in outcome) outcome.answer.abort();
}
