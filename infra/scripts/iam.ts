import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

import type { AwsCredentials } from '../../src/aws/credentials.ts';

export interface AccessKey {
  readonly id: string;
  readonly active: boolean;
  readonly createdAt: Date;
}

/** The access keys of one IAM user, by whoever the AWS SDK finds signed in. */
export interface UserKeys {
  readonly user: string;
  /** The oldest first. */
  list(): Promise<readonly AccessKey[]>;
  create(): Promise<AwsCredentials>;
  disable(id: string): Promise<void>;
  enable(id: string): Promise<void>;
  remove(id: string): Promise<void>;
  /** The service that it was last used for; undefined for none. */
  lastUsedFor(id: string): Promise<string | undefined>;
  /** Ends every session that was made before this moment, by the inline policy `DENY_OLDER_SESSIONS` of the user. */
  denySessionsBefore(moment: Date): Promise<void>;
  /** Whether AWS accepts a key, asked by the key itself. */
  accepts(keys: AwsCredentials): Promise<boolean>;
}

/** The name of the policy that denies sessions. */
export const DENY_OLDER_SESSIONS = 'deny-older-sessions';

/** A policy that denies everything to sessions that were made before a moment; keys that are no session have no such time. */
export function olderSessionsDenied(moment: Date): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        Action: '*',
        Resource: '*',
        Condition: { DateLessThan: { 'aws:TokenIssueTime': moment.toISOString() } },
      },
    ],
  });
}

export function keysOf(user: string): UserKeys {
  // IAM is one for all regions of a partition; the SDK wants a name all the same.
  const client = new IAMClient({ region: process.env['AWS_REGION'] || 'us-east-1' });
  return {
    user,
    async list() {
      const { AccessKeyMetadata = [] } = await client.send(new ListAccessKeysCommand({ UserName: user }));
      const keys = AccessKeyMetadata.map(({ AccessKeyId: id = '', Status, CreateDate = new Date(0) }) => ({
        id,
        active: Status === 'Active',
        createdAt: CreateDate,
      }));
      return keys.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
    },
    async create() {
      const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName: user }));
      return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    },
    async disable(id) {
      await client.send(new UpdateAccessKeyCommand({ UserName: user, AccessKeyId: id, Status: 'Inactive' }));
    },
    async enable(id) {
      await client.send(new UpdateAccessKeyCommand({ UserName: user, AccessKeyId: id, Status: 'Active' }));
    },
    async remove(id) {
      await client.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: id }));
    },
    async lastUsedFor(id) {
      const { AccessKeyLastUsed } = await client.send(new GetAccessKeyLastUsedCommand({ AccessKeyId: id }));
      const service = AccessKeyLastUsed?.ServiceName;
      return service === undefined || service === 'N/A' ? undefined : service;
    },
    async denySessionsBefore(moment) {
      const PolicyDocument = olderSessionsDenied(moment);
      await client.send(new PutUserPolicyCommand({ UserName: user, PolicyName: DENY_OLDER_SESSIONS, PolicyDocument }));
    },
    async accepts(credentials) {
      const sts = new STSClient({ region: process.env['AWS_REGION'] || 'us-east-1', credentials });
      try {
        await sts.send(new GetCallerIdentityCommand({}));
        return true;
      } catch (error) {
        // It says so for a key that it does not know, or not yet; anything else is no answer to the question.
        if (error instanceof Error && /InvalidClientTokenId|SignatureDoesNotMatch/.test(error.name)) return false;
        throw error;
      } finally {
        sts.destroy();
      }
    },
  };
}
