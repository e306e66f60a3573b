import type { AwsCredentials } from '../aws/credentials.ts';
import { partitionOf } from '../aws/endpoint.ts';
import type { BaseOptions, CredentialsOptions } from '../credentials/load.ts';
import { isExternalId, isRoleArn, partitionOfArn } from '../credentials/role.ts';
import { parseSession } from '../credentials/session-template.ts';
import type { Reader } from './reader.ts';

const DEFAULT_NAME = 'bedrock-proxy';

/** Where the AWS keys come from, and in which sessions of which role calls are made by them. */
export function readCredentials(read: Reader, problems: string[], region: string): CredentialsOptions {
  const roleArn = read.text('AWS_ROLE_ARN');
  const partition = partitionOf(region);
  if (roleArn !== undefined && !isRoleArn(roleArn)) problems.push('AWS_ROLE_ARN is not the ARN of a role');
  else if (roleArn !== undefined && region !== '' && partitionOfArn(roleArn) !== partition) {
    problems.push('AWS_ROLE_ARN must be of the partition of AWS_REGION, outside of which its sessions are not good');
  }
  const externalId = read.text('AWS_ROLE_EXTERNAL_ID');
  if (externalId !== undefined && !isExternalId(externalId)) problems.push('AWS_ROLE_EXTERNAL_ID is none');
  const endpoint = read.origin('AWS_ENDPOINT_URL_STS')?.replaceAll('{region}', region);
  return {
    base: readBase(read, problems, roleArn),
    role: {
      ...(roleArn === undefined ? {} : { roleArn }),
      partition,
      ...(externalId === undefined ? {} : { externalId }),
      durationSeconds: read.integer('AWS_ROLE_SESSION_SECONDS', 3600, 43_200, 900),
      ...readSession(read, problems),
    },
    sts: {
      region,
      ...(endpoint === undefined ? {} : { endpoint }),
      useFips: read.flag('AWS_USE_FIPS_ENDPOINT'),
    },
  };
}

function readBase(read: Reader, problems: string[], roleArn: string | undefined): BaseOptions {
  const identityClientId = read.text('AZURE_CLIENT_ID');
  const identity = {
    managedIdentity: read.text('IDENTITY_ENDPOINT') !== undefined,
    ...(identityClientId === undefined ? {} : { identityClientId }),
  };
  const audience = read.text('AWS_WEB_IDENTITY_AUDIENCE');
  if (audience !== undefined) {
    if (roleArn === undefined) problems.push('AWS_ROLE_ARN is missing (needed by AWS_WEB_IDENTITY_AUDIENCE)');
    if (!isAudience(audience)) {
      problems.push('AWS_WEB_IDENTITY_AUDIENCE is not an Application ID URI (such as api://<client id>)');
    }
    return { source: 'webIdentity', identity: { ...identity, audience }, home: roleArn ?? '' };
  }
  if (read.text('KEY_VAULT_URI') === undefined) {
    return { source: 'environment', keys: readEnvironmentKeys(read, problems) };
  }
  const accessKeyId = read.secretName('AWS_ACCESS_KEY_ID_SECRET_NAME');
  const secretAccessKey = read.secretName('AWS_SECRET_ACCESS_KEY_SECRET_NAME');
  const json = read.secretName('AWS_CREDENTIALS_SECRET_NAME') ?? 'aws-credentials';
  read.pair('AWS_ACCESS_KEY_ID_SECRET_NAME', 'AWS_SECRET_ACCESS_KEY_SECRET_NAME');
  const two = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    source: 'keyVault',
    vault: {
      uri: read.url('KEY_VAULT_URI')?.href ?? '',
      secrets: two ? { accessKeyId, secretAccessKey } : { json },
      ...identity,
    },
    refreshSeconds: read.integer('CREDENTIALS_REFRESH_SECONDS', 300, 86_400),
  };
}

/** An Application ID URI or a client id; the scope `/.default`, which some documents have, is added later. */
function isAudience(text: string): boolean {
  return (
    text.length <= 255 &&
    /^(?:(?:api|https|urn|ms-app|ms-appid):[\x21-\x7e]+|[0-9a-f-]{36})$/i.test(text) &&
    !/\/(?:\.default)?$/.test(text)
  );
}

function readEnvironmentKeys(read: Reader, problems: string[]): AwsCredentials {
  const accessKeyId = read.text('AWS_ACCESS_KEY_ID');
  const secretAccessKey = read.text('AWS_SECRET_ACCESS_KEY');
  const sessionToken = read.text('AWS_SESSION_TOKEN');
  read.pair('AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY');
  if (accessKeyId === undefined && secretAccessKey === undefined) {
    problems.push('KEY_VAULT_URI is missing, and so are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  }
  return {
    accessKeyId: accessKeyId ?? '',
    secretAccessKey: secretAccessKey ?? '',
    ...(sessionToken === undefined ? {} : { sessionToken }),
  };
}

function readSession(read: Reader, problems: string[]): { sessionName: string; sessionTags: string } {
  const sessionName = read.text('AWS_ROLE_SESSION_NAME') ?? DEFAULT_NAME;
  const sessionTags = read.text('AWS_ROLE_SESSION_TAGS') ?? '';
  // What is wrong is told in other words: those of the parser quote the setting.
  if (typeof parseSession(sessionName, '') !== 'function') {
    problems.push(
      'AWS_ROLE_SESSION_NAME may have letters, digits, +=,.@_- and the ids {subscriptionId} and {productId}, 2 to 64 in all',
    );
  }
  if (typeof parseSession(DEFAULT_NAME, sessionTags) !== 'function') {
    problems.push('AWS_ROLE_SESSION_TAGS is no list of tags that STS takes (such as team={subscriptionId})');
  }
  return { sessionName, sessionTags };
}
