import type { AwsCredentials } from '../aws/credentials.ts';

export interface CredentialsProvider {
  /** The keys to sign with. @throws ProxyError `unavailable` when there are none */
  get(): Promise<AwsCredentials>;
  /**
   * Other keys to try once after AWS has refused `refused`, or undefined when there are none.
   */
  replace(refused: AwsCredentials): Promise<AwsCredentials | undefined>;
}

/** Keys that never change: those of the environment. */
export function fixedCredentials(credentials: AwsCredentials): CredentialsProvider {
  return { get: async () => credentials, replace: async () => undefined };
}
