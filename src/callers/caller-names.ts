import { createHmac } from 'node:crypto';

import type { Caller } from './caller.ts';

/**
 * What becomes of the two values that may be names of people, `subscriptionName` and `userId`, wherever a call is told
 * of: in the record, and in the metrics and spans made from it.
 */
export type CallerNamesOptions =
  | { readonly mode: 'full' }
  | { readonly mode: 'none' }
  /** The key makes guessing names and hashing them useless to whoever reads the log. */
  | { readonly mode: 'hashed'; readonly key: string };

/** The caller as a call may tell of it. */
export type TellCaller = (caller: Caller) => Caller;

export function callerNames(options: CallerNamesOptions): TellCaller {
  if (options.mode === 'full') return (caller) => caller;
  if (options.mode === 'none') return ({ subscriptionName: _name, userId: _user, ...rest }) => rest;
  const { key } = options;
  return ({ subscriptionName, userId, ...rest }) => ({
    ...rest,
    ...(subscriptionName === undefined ? {} : { subscriptionName: hashed(key, subscriptionName) }),
    ...(userId === undefined ? {} : { userId: hashed(key, userId) }),
  });
}

/** 128 bits: enough that no two names meet. */
function hashed(key: string, name: string): string {
  return createHmac('sha256', key).update(name).digest('hex').slice(0, 32);
}
