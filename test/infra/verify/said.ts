import { expect } from 'vitest';

import type { Finding } from '../../../infra/verify/finding.ts';

/** The whole text, or a pattern for a part of it. */
export type Words = string | RegExp;

/** What a check has to say: of whatever is not in order, what was measured and what to do. */
export type Said =
  | { readonly status: 'ok' | 'skipped'; readonly evidence: Words }
  | { readonly status: 'failed' | 'warning'; readonly evidence: Words; readonly remedy: Words };

/** Expects this of one check, and no remedy of what is in order or was not looked at. */
export function expectSaid(findings: Readonly<Record<string, Finding>>, id: string, said: Said): void {
  const { status, evidence, remedy }: Partial<Finding> = findings[id] ?? {};
  const wanted = Object.entries<Words>(said).map(([name, words]) => [
    name,
    typeof words === 'string' ? words : expect.stringMatching(words),
  ]);
  expect({ status, evidence, remedy }).toEqual(Object.fromEntries(wanted));
}
