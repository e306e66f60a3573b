export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** What came out of one check. */
export interface Finding {
  readonly status: Status;
  /** What was measured; of a skipped check, why it was. */
  readonly evidence: string;
  /** The one thing to do next; absent where there is nothing to be done. */
  readonly remedy?: string;
}

export function ok(evidence: string): Finding {
  return { status: 'ok', evidence };
}

export function warning(evidence: string, remedy: string): Finding {
  return { status: 'warning', evidence, remedy };
}

export function failed(evidence: string, remedy: string): Finding {
  return { status: 'failed', evidence, remedy };
}

export function skipped(why: string): Finding {
  return { status: 'skipped', evidence: why };
}
