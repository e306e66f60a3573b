/** Keys of an IAM principal; with a session token when they are temporary. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When AWS refuses them from; absent: never. */
  readonly expiration?: Date;
  /** Account of the role that they are a session of, and the session's name, which AWS's bill shows. */
  readonly accountId?: string;
  readonly roleSessionName?: string;
}
