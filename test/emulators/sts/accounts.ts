import { randomBytes } from 'node:crypto';
import type { BedrockKey } from '../bedrock/sigv4-verifier.ts';
import type { PolicyDocument } from './policy.ts';

/** Who an access key belongs to: a user of IAM, or a session of a role. */
export interface Principal {
  /** `arn:aws:iam::<account>:user/<name>` or `arn:aws:sts::<account>:assumed-role/<role>/<session name>`. */
  readonly arn: string;
  readonly accountId: string;
  readonly key: BedrockKey;
  /** What its own policy lets it do; without one nothing. */
  readonly policy?: PolicyDocument;
  /** Of a session only. */
  readonly session?: Session;
}

export interface Session {
  readonly role: Role;
  readonly name: string;
  /** Session tags; those of the web identity or the session before it are not among them unless transitive. */
  readonly tags: Readonly<Record<string, string>>;
  readonly transitiveTagKeys: readonly string[];
  readonly expiresAt: Date;
  /** Whether it was made by another session, or by a user or web identity. */
  readonly chained: boolean;
}

export interface Role {
  readonly arn: string;
  readonly trust: PolicyDocument;
  readonly policy?: PolicyDocument;
  /** 3600 by default. */
  readonly maxSessionSeconds?: number;
}

/** An OpenID Connect provider of an account's IAM. */
export interface OidcProvider {
  readonly accountId: string;
  /** Issuer as registered, for instance `https://sts.windows.net/<tenant>/`. */
  readonly url: string;
  readonly clientIds: readonly string[];
}

/** The accounts of AWS that the emulators of STS and Bedrock share: who may become whom, and whose a key is. */
export interface AwsAccounts {
  addUser(user: { accountId: string; name: string; key: BedrockKey; policy?: PolicyDocument }): void;
  /** Adds a role or takes the place of the one of this ARN; sessions it has issued go on. */
  putRole(role: Role): void;
  addProvider(provider: OidcProvider): void;
  role(arn: string): Role | undefined;
  provider(accountId: string, issuer: string): OidcProvider | undefined;
  /** Whose key this is; ended sessions are still known. */
  principal(accessKeyId: string): Principal | undefined;
  /** Whether this session token was once valid, and is not at `now`. */
  isExpired(sessionToken: string, now: Date): boolean;
  issue(session: Session): Principal;
  /** Every session issued, the oldest first. */
  readonly sessions: readonly Principal[];
  /** Ends one session before its time, as if its hour were over. */
  end(accessKeyId: string): void;
}

/** Accounts without anybody in them. */
export function awsAccounts(): AwsAccounts {
  const principals = new Map<string, Principal>();
  const sessions: Principal[] = [];
  const byToken = new Map<string, Principal>();
  const ended = new Set<string>();
  const roles = new Map<string, Role>();
  const providers: OidcProvider[] = [];
  return {
    sessions,
    addUser: ({ accountId, name, key, policy }) =>
      void principals.set(key.accessKeyId, {
        arn: `arn:aws:iam::${accountId}:user/${name}`,
        accountId,
        key,
        ...(policy === undefined ? {} : { policy }),
      }),
    putRole: (role) => void roles.set(role.arn, role),
    addProvider: (provider) => void providers.push(provider),
    role: (arn) => roles.get(arn),
    provider: (accountId, issuer) =>
      providers.find((provider) => provider.accountId === accountId && provider.url === issuer),
    principal: (accessKeyId) => principals.get(accessKeyId),
    isExpired(sessionToken, now) {
      const principal = byToken.get(sessionToken);
      return principal?.session !== undefined && (ended.has(sessionToken) || principal.session.expiresAt <= now);
    },
    issue(session) {
      const { role, name } = session;
      const accountId = accountOf(role.arn);
      const key = sessionKey();
      const principal: Principal = {
        arn: `arn:${role.arn.split(':')[1]}:sts::${accountId}:assumed-role/${role.arn.split('/').at(-1)}/${name}`,
        accountId,
        key,
        session,
        ...(role.policy === undefined ? {} : { policy: role.policy }),
      };
      principals.set(key.accessKeyId, principal);
      byToken.set(key.sessionToken, principal);
      sessions.push(principal);
      return principal;
    },
    end(accessKeyId) {
      const token = principals.get(accessKeyId)?.key.sessionToken;
      if (token === undefined) throw new Error(`No session has the access key ${accessKeyId}.`);
      ended.add(token);
    },
  };
}

/** The account in an ARN; empty where it names none. */
export function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

function sessionKey(): Required<BedrockKey> {
  return {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    sessionToken: `IQoJb3JpZ2luX2VjE${randomBytes(500).toString('base64')}`,
  };
}
