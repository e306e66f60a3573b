import type { AwsCredentials } from '../aws/credentials.ts';

/** Whom a call is made for, as far as it decides what is signed with. */
export interface SignedFor {
  readonly subscriptionId?: string;
  readonly productId?: string;
  /** Role that the gateway orders, as it came; absent: none is ordered. */
  readonly roleArn?: string;
}

export interface CredentialsProvider {
  /**
   * The keys to sign with.
   *
   * @throws ProxyError `unavailable` when there are none, or the order is malformed; `accessDenied` for a call without
   *   the id that its session is named after
   */
  get(caller: SignedFor): Promise<AwsCredentials>;
  /** Other keys to try once after AWS has refused `refused`, or undefined when there are none. */
  replace(refused: AwsCredentials, caller: SignedFor): Promise<AwsCredentials | undefined>;
  /** As `get`, for nobody in particular: the keys of the call if it can be told, else those that all sessions are made by. */
  probe(caller: SignedFor): Promise<AwsCredentials>;
}

/** The same keys for every call. */
export interface SharedCredentials {
  /** The keys to sign with. @throws ProxyError `unavailable` when there are none */
  get(): Promise<AwsCredentials>;
  /** Other keys to try once after AWS has refused `refused`, or undefined when there are none. */
  replace(refused: AwsCredentials): Promise<AwsCredentials | undefined>;
}

/** Keys that never change: those of the environment. */
export function fixedCredentials(credentials: AwsCredentials): SharedCredentials {
  return { get: async () => credentials, replace: async () => undefined };
}
