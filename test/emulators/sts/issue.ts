import { randomBytes } from 'node:crypto';
import { accountOf, type AwsAccounts, type Principal, type Role } from './accounts.ts';
import { invalid, type Parameters, type Tag } from './parameters.ts';
import { StsError } from './sts-error.ts';
import type { Content } from './xml.ts';

/** AWS gives a session that was made by a session an hour at most, whatever the role allows. */
const LONGEST_CHAINED_SECONDS = 3600;

/** How much a packed policy and tags may take. AWS does not say how it packs; here it is their UTF-8 as it is. */
const PACKED_BYTES = 4096;

/** The session that `parameters` ask for, once the role trusts who asks. */
export function issueSession(
  accounts: AwsAccounts,
  role: Role,
  parameters: Parameters,
  { now, chained, inherited = [] }: { now: Date; chained: boolean; inherited?: readonly Tag[] },
): { principal: Principal; content: { readonly [name: string]: Content } } {
  const seconds = durationOf(role, parameters.DurationSeconds, chained);
  const tags = [...inherited.filter(({ Key }) => !has(parameters.Tags, Key)), ...parameters.Tags];
  const packed = packedSize(parameters, tags);
  const principal = accounts.issue({
    role,
    name: parameters.RoleSessionName,
    tags: Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])),
    transitiveTagKeys: [...inherited.map(({ Key }) => Key), ...parameters.TransitiveTagKeys],
    expiresAt: new Date(Math.floor(now.getTime() / 1000 + seconds) * 1000),
    chained,
  });
  const { accessKeyId, secretAccessKey, sessionToken } = principal.key;
  const content = {
    AssumedRoleUser: {
      AssumedRoleId: `AROA${randomBytes(8).toString('hex').toUpperCase()}:${parameters.RoleSessionName}`,
      Arn: principal.arn,
    },
    Credentials: {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: sessionToken,
      Expiration: principal.session?.expiresAt.toISOString().replace('.000Z', 'Z'),
    },
    PackedPolicySize: packed === 0 ? undefined : packed,
  };
  return { principal, content };
}

/** 403 RegionDisabledException where the role's account has not switched this region on. */
export function checkRegion(roleArn: string, region: string, disabled: readonly string[]): void {
  if (!disabled.includes(region)) return;
  throw new StsError(
    403,
    'RegionDisabledException',
    `STS is not activated in this region for account:${accountOf(roleArn)}. Your account administrator can activate ` +
      'STS in this region using the IAM Console.',
  );
}

function durationOf({ maxSessionSeconds = 3600 }: Role, asked = 3600, chained: boolean): number {
  if (chained && asked > LONGEST_CHAINED_SECONDS) {
    throw invalid('The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining');
  }
  if (asked > maxSessionSeconds) {
    throw invalid('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.');
  }
  return asked;
}

/** In percent. */
function packedSize({ Policy }: Parameters, tags: readonly Tag[]): number {
  if (Policy !== undefined) {
    try {
      JSON.parse(Policy);
    } catch {
      throw new StsError(400, 'MalformedPolicyDocument', 'The policy is not in the valid JSON format.');
    }
  }
  const bytes = Buffer.byteLength(`${Policy ?? ''}${tags.map(({ Key, Value }) => Key + Value).join('')}`);
  const percent = Math.ceil((100 * bytes) / PACKED_BYTES);
  if (percent <= 100) return percent;
  const what = tags.length === 0 ? 'session policy' : 'session tags';
  throw new StsError(400, 'PackedPolicyTooLarge', `Packed size of ${what} consumes ${percent}% of allotted space.`);
}

function has(tags: readonly Tag[], key: string): boolean {
  return tags.some(({ Key }) => Key.toLowerCase() === key.toLowerCase());
}
