import { failed, type Finding, skipped } from '../finding.ts';

/** What came of looking at something: it is there, it is not there, or it cannot be looked at. These are three answers. */
export type Look<Value> = { readonly found: Value } | { readonly absent: true } | { readonly why: string };

/** Ends a check with this finding; the runner takes it for what the check has returned. */
export class Settled extends Error {
  override readonly name = 'Settled';
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(finding.evidence);
    this.finding = finding;
  }
}

/**
 * What was found.
 *
 * @throws Settled as failed with the remedy when it is not there, as skipped when it cannot be looked at
 */
export function present<Value>(look: Look<Value>, what: string, remedy: string): Value {
  if ('found' in look) return look.found;
  throw new Settled('why' in look ? skipped(look.why) : failed(`${what} is missing`, remedy));
}

/** What was found, or undefined when it is not there. @throws Settled as skipped when it cannot be looked at */
export function ifPresent<Value>(look: Look<Value>): Value | undefined {
  if ('found' in look) return look.found;
  if ('why' in look) throw new Settled(skipped(look.why));
  return undefined;
}
