import { accountOf, type AwsAccounts, type Role } from './accounts.ts';
import type { Parameters } from './parameters.ts';
import { evaluate } from './policy.ts';
import { StsError } from './sts-error.ts';
import { identityToken, issuerOf, verifyToken, type WebIdentity } from './web-token.ts';

/**
 * The role, and the identity it trusts: the token is one that its account's provider of this issuer takes, and the trust
 * policy allows it.
 *
 * @throws StsError
 */
export async function trustedIdentity(
  accounts: AwsAccounts,
  { RoleArn, RoleSessionName, WebIdentityToken = '' }: Parameters,
  { issuers, now }: { issuers: Readonly<Record<string, string>>; now: Date },
): Promise<{ role: Role; identity: WebIdentity; providerArn: string }> {
  const issuer = issuerOf(WebIdentityToken);
  const accountId = accountOf(RoleArn);
  const provider = accounts.provider(accountId, issuer);
  if (provider === undefined) {
    throw identityToken(`No OpenIDConnect provider found in your account for ${issuer}`);
  }
  const base = (issuers[issuer] ?? issuer).replace(/\/$/, '');
  const identity = await verifyToken(WebIdentityToken, { issuer, base, clientIds: provider.clientIds, now });
  const providerArn = `arn:${RoleArn.split(':')[1]}:iam::${accountId}:oidc-provider/${identity.provider}`;
  const role = accounts.role(RoleArn);
  const action = 'sts:AssumeRoleWithWebIdentity';
  const verdict =
    role === undefined
      ? 'none'
      : evaluate(role.trust, {
          action,
          principals: { type: 'Federated', names: [providerArn] },
          context: { ...identity.context, 'sts:RoleSessionName': RoleSessionName },
        });
  if (role === undefined || verdict !== 'allow') {
    throw new StsError(403, 'AccessDenied', `Not authorized to perform ${action}`);
  }
  return { role, identity, providerArn };
}
