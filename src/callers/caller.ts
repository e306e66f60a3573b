import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

import { ProxyError } from '../errors.ts';

/** What the gateway says about the call. Believed because only the gateway can call. */
export interface Caller {
  readonly subscriptionId?: string;
  readonly subscriptionName?: string;
  readonly productId?: string;
  readonly userId?: string;
  readonly gatewayRequestId?: string;
  /** Model ids the caller may use, a `*` at the end of one stands for any rest; absent: every model. */
  readonly allowedModels?: readonly string[];
}

/** What of a request decides about its admission: Node's `headers` hide a second Authorization header. */
export type AdmissionRequest = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/**
 * Decides whether a request may pass.
 *
 * @throws ProxyError `unauthorized`, `accessDenied`, or `unavailable` when the tenant's keys cannot be had
 */
export type Admit = (request: AdmissionRequest) => Promise<void>;

/** The object id of the caller that a token names, or why the token is not valid (for the log). */
export type VerifiedToken = { readonly callerId: string } | { readonly invalid: string };

/** Verifies a token. Rejects with any error when the keys to verify it with cannot be had. */
export type VerifyToken = (token: string) => Promise<VerifiedToken>;

/** Function keys are checked by the Functions host, before the worker sees the request. */
export const admitEveryone: Admit = async () => {};

/** Admits the bearer of a valid Entra token whose object id is on the list. */
export function admitCallers(verify: VerifyToken, allowedCallers: readonly string[]): Admit {
  const allowed = new Set(allowedCallers);
  return async (request) => {
    const verified = await verify(bearerToken(request)).catch((cause: unknown) => {
      throw new ProxyError('unavailable', 'The keys to verify the token with could not be read.', { cause });
    });
    if ('invalid' in verified) {
      throw new ProxyError('unauthorized', 'The bearer token is not valid.', { cause: new Error(verified.invalid) });
    }
    if (!allowed.has(verified.callerId.toLowerCase())) {
      throw new ProxyError('accessDenied', 'The identity that the token names may not call this proxy.');
    }
  };
}

function bearerToken({ headers, rawHeaders }: AdmissionRequest): string {
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization').length;
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(headers.authorization ?? '')?.[1];
  if (count !== 1 || token === undefined) {
    throw new ProxyError('unauthorized', 'Exactly one bearer token is required.');
  }
  return token;
}

const IDENTITY_HEADERS = {
  subscriptionId: 'x-gateway-subscription-id',
  subscriptionName: 'x-gateway-subscription-name',
  productId: 'x-gateway-product-id',
  userId: 'x-gateway-user-id',
  gatewayRequestId: 'x-gateway-request-id',
} as const;

/** Reads the gateway's identity headers; values are percent-encoded UTF-8, since header values must be ASCII. */
export function callerOf(headers: IncomingHttpHeaders): Caller {
  const caller: { -readonly [Key in keyof Caller]: Caller[Key] } = {};
  for (const [key, name] of Object.entries(IDENTITY_HEADERS)) {
    const value = decoded(headers[name]);
    if (value !== undefined) caller[key as keyof typeof IDENTITY_HEADERS] = value;
  }
  const models = decoded(headers['x-gateway-allowed-models']);
  if (models !== undefined) caller.allowedModels = models.split(',').map((model) => model.trim());
  return caller;
}

function decoded(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** @throws ProxyError `accessDenied` when the caller has a list of models and none of its patterns is this model's */
export function checkModel(caller: Caller, model: string): void {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : model === pattern;
  if (
    caller.allowedModels !== undefined &&
    !caller.allowedModels.some((pattern) => pattern !== '' && matches(pattern))
  ) {
    throw new ProxyError('accessDenied', 'Your subscription does not allow this model.');
  }
}
