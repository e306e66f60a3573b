import type { AwsAccounts, Role } from '../../emulators/sts/accounts.ts';
import type { PolicyDocument } from '../../emulators/sts/policy.ts';
import { renderStack } from './template.ts';

/** The role of a stack of the template, as the emulators take it. */
export function roleOf(
  parameters: Readonly<Record<string, string>>,
  accountId: string,
): Role & Required<Pick<Role, 'policy'>> {
  const { Properties } = renderStack(parameters, { accountId })['Role'] ?? absent('role');
  const trust = Properties['AssumeRolePolicyDocument'];
  const [policy] = Properties['Policies'] as { PolicyDocument: PolicyDocument }[];
  return {
    arn: `arn:aws:iam::${accountId}:role/${String(Properties['RoleName'])}`,
    trust: (typeof trust === 'string' ? JSON.parse(trust) : trust) as PolicyDocument,
    policy: policy?.PolicyDocument ?? absent('policy'),
    maxSessionSeconds: Number(Properties['MaxSessionDuration']),
  };
}

/** Puts what a stack makes into an account. */
export function deployStack(
  accounts: AwsAccounts,
  parameters: Readonly<Record<string, string>>,
  accountId: string,
): Role {
  const provider = renderStack(parameters, { accountId })['Provider'];
  if (provider !== undefined) {
    const { Url, ClientIdList } = provider.Properties;
    accounts.addProvider({ accountId, url: String(Url), clientIds: ClientIdList as string[] });
  }
  const role = roleOf(parameters, accountId);
  accounts.putRole(role);
  return role;
}

function absent(what: string): never {
  throw new Error(`The stack has no ${what}.`);
}
