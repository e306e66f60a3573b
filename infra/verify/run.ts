import { Settled } from './azure/look.ts';
import type { Check, Context } from './check.ts';
import { type Finding, skipped } from './finding.ts';

/** A check and what came out of it. */
export interface Result extends Finding {
  readonly check: Check;
  /** Id of the failed check for which this one was skipped. */
  readonly blockedBy?: string;
}

/**
 * Runs the checks in their order; one whose ground has failed is skipped.
 *
 * @param tell gets each result as soon as it is there
 */
export async function runChecks(
  checks: readonly Check[],
  context: Context,
  tell: (result: Result) => void = () => {},
): Promise<Result[]> {
  const results: Result[] = [];
  for (const check of checks) {
    const blockedBy = groundOf(check, results);
    const result =
      blockedBy === undefined
        ? { check, ...(await outcome(check, context)) }
        : { check, ...skipped(`check ${blockedBy} failed`), blockedBy };
    results.push(result);
    tell(result);
  }
  return results;
}

async function outcome(check: Check, context: Context): Promise<Finding> {
  if (check.calls !== undefined && !context.calls) return skipped('--no-calls');
  try {
    return await check.run(context);
  } catch (error) {
    if (error instanceof Settled) return error.finding;
    // A defect of the check, or a tool that answers as it never did: it tells nothing about the endpoint.
    return skipped(`the check itself failed: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

/** The failed check at the bottom of one that this check needs. */
function groundOf({ needs }: Check, before: readonly Result[]): string | undefined {
  const ground = before.find(({ check, status, blockedBy }) => {
    return needs.includes(check.id) && (status === 'failed' || blockedBy !== undefined);
  });
  return ground?.blockedBy ?? ground?.check.id;
}

/** 1 when something failed. */
export function exitCode(results: readonly Result[]): 0 | 1 {
  return results.some(({ status }) => status === 'failed') ? 1 : 0;
}
