/**
 * The failures the proxy itself answers with: status, AWS error type, and whether a client should try again.
 *
 * AWS SDKs choose exception class and retry from `x-amzn-ErrorType` and the status: they repeat 429 and every 5xx but
 * 501, and the 408 of an upload, of which no model has heard; not the 408 of a slow model call, which would be paid twice. The
 * clients of OpenAI and Anthropic repeat every 408, 409, 429 and 5xx, and Claude Code 401 too, unless `x-should-retry`
 * tells them not to: it is true only of what may pass later and has not been paid for.
 */
export const FAILURES = {
  invalidRequest: [400, 'ValidationException', false],
  unauthorized: [401, 'UnauthorizedException', false],
  accessDenied: [403, 'AccessDeniedException', false],
  unknownOperation: [404, 'UnknownOperationException', false],
  uploadTimeout: [408, 'RequestTimeoutException', true],
  modelTimeout: [408, 'ModelTimeoutException', false],
  requestTooLarge: [413, 'RequestEntityTooLargeException', false],
  throttled: [429, 'ThrottlingException', true],
  internal: [500, 'InternalServerException', false],
  notImplemented: [501, 'NotImplementedException', false],
  unavailable: [503, 'ServiceUnavailableException', true],
  upstreamBroken: [503, 'ServiceUnavailableException', true],
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
  /** Whether a client should send the request again. */
  readonly shouldRetry: boolean;
  readonly retryAfterSeconds: number | undefined;

  constructor(failure: Failure, message: string, options: ProxyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failure = failure;
    [this.status, this.errorType, this.shouldRetry] = FAILURES[failure];
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Any thrown value as a ProxyError; what is not one already is our own defect and tells the caller nothing. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  return new ProxyError('internal', 'The proxy failed to handle this request.', { cause: error });
}

/** Reason of the abort when the caller closed the connection; nobody is left to be told. */
export class CallerGone extends Error {
  override readonly name = 'CallerGone';

  constructor() {
    super('The caller closed the connection.');
  }
}

export interface ErrorReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** In one piece. */
  readonly body: readonly [Buffer];
}

/** The request that failed. */
export interface FailedRequest {
  /** Id that the caller is told. */
  readonly id: string;
  /** Path and query as they came; absent where nothing is known of the request. */
  readonly url?: string;
}

/**
 * The reply to a failure of our own. Status and headers are the same on all routes: AWS SDKs (restJson1) read the
 * exception's name from `x-amzn-ErrorType` and its text from `message`. The body is in the dialect of the path, so that the
 * clients of OpenAI and Anthropic find text and type where they look for them.
 */
export function errorReply(error: ProxyError, { id, url = '' }: FailedRequest): ErrorReply {
  const body = Buffer.from(JSON.stringify(bodyIn(url, error)));
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      'content-length': String(body.length),
      'x-amzn-errortype': error.errorType,
      'x-amzn-requestid': id,
      'x-should-retry': String(error.shouldRetry),
      ...(error.retryAfterSeconds === undefined ? {} : { 'retry-after': String(error.retryAfterSeconds) }),
    },
    body: [body],
  };
}

/** The path alone decides: most failures come before the operation is known, or because there is none. */
function bodyIn(url: string, { status, errorType, message }: ProxyError): object {
  const [, plain, ofMantle] = /^\/+(?:(openai|anthropic)|mantle\/+(openai|anthropic|v1))(?![^/?])/.exec(url) ?? [];
  switch (plain ?? ofMantle) {
    case 'v1':
    case 'openai': {
      const type = OPENAI_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
      const code = status === 401 ? 'invalid_api_key' : errorType;
      return { error: { message, type, code, param: null }, message };
    }
    case 'anthropic': {
      const type = ANTHROPIC_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
      return { type: 'error', error: { type, message }, message };
    }
    default:
      return { message };
  }
}

/** Types of OpenAI's API that are not told by the class of the status; the gateway's policy has the same. */
const OPENAI_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** The same of Anthropic's API. */
const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
};
