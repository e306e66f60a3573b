/** The policy holds something the emulator has no semantics for. Never swallowed: what is not known must not pass. */
export class UnsupportedPolicyError extends Error {
  override readonly name = 'UnsupportedPolicyError';
}

/** An exception that .NET would throw while it evaluates an expression: a null reference, a number that is none. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

export interface PolicyErrorDetails {
  /** The statement or built-in step that failed. */
  readonly source: string;
  /** Machine-readable code, "Error handling in API Management policies". */
  readonly reason: string;
  /** Status of the answer unless an `on-error` section makes another one. */
  readonly status: number;
  readonly message: string;
  /** Seconds, for `Retry-After`. */
  readonly retryAfterSeconds?: number;
}

/** A failure of the pipeline that leads to the `on-error` section: `context.LastError`. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly source: string;
  readonly reason: string;
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(details: PolicyErrorDetails) {
    super(details.message);
    this.source = details.source;
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}
