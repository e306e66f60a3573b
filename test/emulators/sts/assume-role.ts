import { accountOf, type AwsAccounts, type Principal, type Role } from './accounts.ts';
import type { Parameters, Tag } from './parameters.ts';
import { evaluate, type PolicyRequest } from './policy.ts';
import { StsError } from './sts-error.ts';

/**
 * The role that `caller` may assume, and the tags that stay with it from its own session.
 *
 * @throws StsError `AccessDenied`, for a role that is not there as for one that does not trust the caller
 */
export function assumableRole(
  accounts: AwsAccounts,
  caller: Principal,
  parameters: Parameters,
): { role: Role; inherited: readonly Tag[] } {
  const role = accounts.role(parameters.RoleArn);
  const inherited = inheritedTags(caller);
  const context = contextOf(parameters, caller);
  const actions = ['sts:AssumeRole', ...(parameters.Tags.length > 0 ? ['sts:TagSession'] : [])];
  for (const action of actions) {
    if (role === undefined || !mayUse(caller, role, { action, context })) throw denied(caller, action, parameters);
  }
  if (role === undefined) throw denied(caller, 'sts:AssumeRole', parameters);
  return { role, inherited };
}

/**
 * Within one account a trust policy that names the caller is enough; one that names its account leaves it to the caller's
 * own policy, and another account's role needs both.
 */
function mayUse(
  caller: Principal,
  role: Role,
  { action, context }: Pick<PolicyRequest, 'action' | 'context'>,
): boolean {
  const root = `arn:${caller.arn.split(':')[1]}:iam::${caller.accountId}:root`;
  const names = [caller.arn, ...(caller.session === undefined ? [] : [caller.session.role.arn])];
  const trusts = (principals: readonly string[]) =>
    evaluate(role.trust, { action, context, principals: { type: 'AWS', names: principals } });
  const own = caller.policy === undefined ? 'none' : evaluate(caller.policy, { action, context, resource: role.arn });
  if (own === 'deny' || trusts([...names, root, caller.accountId]) !== 'allow') return false;
  const named = accountOf(role.arn) === caller.accountId && trusts(names) === 'allow';
  return named || own === 'allow';
}

function contextOf({ ExternalId, RoleSessionName, Tags }: Parameters, caller: Principal): PolicyRequest['context'] {
  return {
    'sts:ExternalId': ExternalId,
    'sts:RoleSessionName': RoleSessionName,
    'aws:PrincipalArn': caller.session?.role.arn ?? caller.arn,
    'aws:TagKeys': Tags.map(({ Key }) => Key),
    ...Object.fromEntries(Tags.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value])),
  };
}

function inheritedTags({ session }: Principal): readonly Tag[] {
  return (session?.transitiveTagKeys ?? []).map((Key) => ({ Key, Value: session?.tags[Key] ?? '' }));
}

function denied(caller: Principal, action: string, { RoleArn }: Parameters): StsError {
  return new StsError(
    403,
    'AccessDenied',
    `User: ${caller.arn} is not authorized to perform: ${action} on resource: ${RoleArn}`,
  );
}
