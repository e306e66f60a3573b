import type { IncomingMessage } from 'node:http';

import { ProxyError } from '../errors.ts';

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
      throw new ProxyError(
        'unauthorized',
        'The bearer token is not valid here. Of a call through the gateway it is the gateway that sends it: who runs it ' +
          'finds the reason in the log. A subscription key is for the gateway only.',
        { cause: new Error(verified.invalid) },
      );
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
    throw new ProxyError(
      'unauthorized',
      'Exactly one bearer token is required, which the gateway sends: call the gateway, with a subscription key.',
    );
  }
  return token;
}
