import { readAgainIfBroken } from './broken-connection.ts';
import { identityOf, type IdentityOptions } from './identity.ts';
import type { ReadToken } from './session-source.ts';

export interface WebIdentityOptions extends IdentityOptions {
  /** Application ID URI of the registration that stands for AWS, whose tokens have version 1. */
  readonly audience: string;
}

/** Gets the token of the managed identity that STS takes for a web identity. The library keeps it while it is good. */
export function createTokenReader(options: WebIdentityOptions): ReadToken {
  const identity = identityOf(options);
  return readAgainIfBroken(async (abortSignal) => {
    const token = await identity.getToken(`${options.audience}/.default`, { abortSignal });
    if (token === null) throw new Error('The identity has no token for AWS.');
    return token.token;
  });
}
