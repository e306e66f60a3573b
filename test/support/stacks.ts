import { AWS_AUDIENCE, type AwsCallers } from '../emulators/chain.ts';
import { type AwsAccounts, awsAccounts } from '../emulators/sts/accounts.ts';
import { deployStack } from '../infra/aws/stack-accounts.ts';

/** The account of the proxy's own role, and another one. */
export const HOME = '111122223333';
export const AWAY = '444455556666';

export const HOME_ROLE = `arn:aws:iam::${HOME}:role/bedrock-proxy`;
export const AWAY_ROLE = `arn:aws:iam::${AWAY}:role/bedrock-target`;
export const EXTERNAL_ID = 'gateway-of-the-bank';

/** Settings by which the app has no AWS key, in the environment or in a vault. */
export const KEYLESS = { KEY_VAULT_URI: '', AWS_WEB_IDENTITY_AUDIENCE: AWS_AUDIENCE, AWS_ROLE_ARN: HOME_ROLE };

/** The stacks of infra/aws: a role that trusts the managed identity, and one of another account that trusts this role. */
export function keylessAccounts({ tenantId, identityObjectId }: AwsCallers): AwsAccounts {
  const accounts = awsAccounts();
  deployStack(
    accounts,
    {
      TenantId: tenantId,
      Audience: AWS_AUDIENCE,
      IdentityObjectIds: identityObjectId,
      SessionTagKeys: 'team',
      TargetRoleArns: AWAY_ROLE,
    },
    HOME,
  );
  deployAway(accounts, HOME_ROLE);
  return accounts;
}

/** The user whose key is in the vault, and a role in each account that trusts it. */
export function keyedAccounts({ key }: AwsCallers): AwsAccounts {
  const accounts = awsAccounts();
  const user = `arn:aws:iam::${HOME}:user/proxy`;
  const mayAssume = { Effect: 'Allow' as const, Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: AWAY_ROLE };
  const policy = { Version: '2012-10-17' as const, Statement: [mayAssume] };
  accounts.addUser({ accountId: HOME, name: 'proxy', key, policy });
  deployStack(accounts, { TrustedPrincipalArn: user, SessionTagKeys: 'team' }, HOME);
  deployAway(accounts, user);
  return accounts;
}

function deployAway(accounts: AwsAccounts, trusted: string): void {
  deployStack(
    accounts,
    {
      RoleName: 'bedrock-target',
      TrustedPrincipalArn: trusted,
      ExternalId: EXTERNAL_ID,
      SessionTagKeys: 'team',
    },
    AWAY,
  );
}
