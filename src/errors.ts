/**
 * The failures the proxy itself answers with: status and AWS error type by kind.
 *
 * The SDKs choose exception class and retry from `x-amzn-ErrorType` and the status, so each row is chosen by what a
 * client should do: 429 and 503 are retried, 408 and the other 4xx are not (a retry of a slow model call would be paid
 * twice).
 */
export const FAILURES = {
  invalidRequest: [400, 'ValidationException'],
  unauthorized: [401, 'UnauthorizedException'],
  accessDenied: [403, 'AccessDeniedException'],
  unknownOperation: [404, 'UnknownOperationException'],
  uploadTimeout: [408, 'RequestTimeoutException'],
  modelTimeout: [408, 'ModelTimeoutException'],
  requestTooLarge: [413, 'RequestEntityTooLargeException'],
  throttled: [429, 'ThrottlingException'],
  internal: [500, 'InternalServerException'],
  notImplemented: [501, 'NotImplementedException'],
  unavailable: [503, 'ServiceUnavailableException'],
  upstreamBroken: [503, 'ServiceUnavailableException'],
} as const;

export type Failure = keyof typeof FAILURES;

export interface ProxyErrorOptions {
  /** For the log only; never shown to the caller. */
  cause?: unknown;
  /** Value of the `Retry-After` header, in seconds. */
  retryAfterSeconds?: number;
}

/**
 * A failure of the proxy's own. The message goes to the caller and must hold no secret, token or content of a request;
 * what only the operator may see goes into `cause`.
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly failure: Failure;
  readonly status: number;
  /** The AWS error type, for instance `ValidationException`. */
  readonly errorType: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(failure: Failure, message: string, options: ProxyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    [this.status, this.errorType] = FAILURES[failure];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Any thrown value as a ProxyError; what is not one already is our own defect and tells the caller nothing. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  return new ProxyError('internal', 'The proxy failed to handle this request.', { cause: error });
}

export interface ErrorReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** In one piece. */
  readonly body: readonly [Buffer];
}

/**
 * The AWS-shaped reply (restJson1) to a failure of our own: SDKs read the exception's name from `x-amzn-ErrorType` and
 * its text from `message`.
 */
export function errorReply(error: ProxyError, requestId: string): ErrorReply {
  const body = Buffer.from(JSON.stringify({ message: error.message }));
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-amzn-errortype': error.errorType,
      'x-amzn-requestid': requestId,
      ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
    },
    body: [body],
  };
}

/** One line for the log: names and codes of an error and of its causes; no stack and nothing of a request's content. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  for (let current: unknown = error, depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    if (!(current instanceof Error)) {
      parts.push(typeof current);
      break;
    }
    const code = 'code' in current && typeof current.code === 'string' ? ` ${current.code}` : '';
    parts.push(`${current.name}${code}: ${current.message}`);
    current = current.cause;
  }
  return parts.join(' <- ').replaceAll(/\s+/g, ' ');
}
