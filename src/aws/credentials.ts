/** Keys of an IAM principal; with a session token when they are temporary. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When AWS refuses them from; absent: never. */
  readonly expiration?: Date;
}
