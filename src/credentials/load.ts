import type { AwsCredentials } from '../aws/credentials.ts';
import { credentialsByCaller, type RoleOptions, type SessionBase } from './by-caller.ts';
import { cachedCredentials } from './cache.ts';
import type { VaultOptions } from './key-vault.ts';
import { type CredentialsProvider, fixedCredentials, type SharedCredentials } from './provider.ts';
import { byKeys, byWebIdentity, codeOf } from './session-source.ts';
import type { FailedSession } from './sessions.ts';
import type { Sts, StsOptions } from './sts.ts';
import type { TokenClaims } from './token-claims.ts';
import type { WebIdentityOptions } from './web-identity.ts';

/** What AWS is called by, or what sessions for that are made by. */
export type BaseOptions =
  | { readonly source: 'environment'; readonly keys: AwsCredentials }
  | { readonly source: 'keyVault'; readonly vault: VaultOptions; readonly refreshSeconds: number }
  /** No AWS key anywhere: a token of Entra makes the sessions of the one role `home`. */
  | { readonly source: 'webIdentity'; readonly identity: WebIdentityOptions; readonly home: string };

export interface CredentialsOptions {
  readonly base: BaseOptions;
  readonly role: RoleOptions;
  readonly sts: Omit<StsOptions, 'offsetMs'>;
}

/** What could not be had, for the log. */
export interface CredentialsFailure {
  readonly error: unknown;
  /** Whether older keys go on. */
  readonly stale: boolean;
  readonly facts: Readonly<Record<string, string>>;
}

/**
 * The keys and sessions that the options name. The Azure SDKs are a bundle of their own, and so is the client of STS; they
 * load after the function is registered, while the host is still starting, or at the first order that needs them.
 *
 * @param onFailure told of every failed reading of keys and every session that could not be made
 * @param offsetMs from this machine's clock to AWS's
 */
export function loadCredentials(
  { base, role, sts: stsOptions }: CredentialsOptions,
  onFailure: (failure: CredentialsFailure) => void,
  offsetMs: () => number,
): CredentialsProvider {
  const sts = once(async () => (await import('./sts.ts')).createSts({ ...stsOptions, offsetMs }));
  if (role.roleArn !== undefined) setImmediate(sts);
  return credentialsByCaller(baseOf(base, sts, onFailure), role, {
    onFailure: (failed) => onFailure({ error: failed.error, stale: failed.stale, facts: factsOf(failed) }),
  });
}

const azure = () => import('./azure.ts');

function baseOf(
  base: BaseOptions,
  sts: () => Promise<Sts>,
  onFailure: (failure: CredentialsFailure) => void,
): SessionBase {
  if (base.source === 'webIdentity') {
    const reader = once(async () => (await azure()).createTokenReader(base.identity));
    return {
      home: base.home,
      byToken: byWebIdentity(async (signal) => (await reader())(signal), sts),
      assumeBy: (keys) => byKeys(keys, sts),
    };
  }
  const keys = keysOf(base, onFailure);
  return { keys, assume: byKeys(keys, sts) };
}

function keysOf(
  base: Exclude<BaseOptions, { source: 'webIdentity' }>,
  onFailure: (failure: CredentialsFailure) => void,
): SharedCredentials {
  if (base.source === 'environment') return fixedCredentials(base.keys);
  const reader = once(async () => (await azure()).createVaultReader(base.vault));
  return cachedCredentials(async (signal) => (await reader())(signal), {
    refreshMs: 1000 * base.refreshSeconds,
    onFailure: (error, stale) => onFailure({ error, stale, facts: {} }),
  });
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => (loaded ??= load());
}

/** What tells why STS gave no session: its code, the session, and the claims of the token if there was one. */
function factsOf({ error, request }: FailedSession): Record<string, string> {
  const code = codeOf(error);
  const claims: TokenClaims = error instanceof Error && 'claims' in error ? (error.claims as TokenClaims) : {};
  return {
    ...(code === undefined ? {} : { code }),
    roleArn: request.roleArn,
    roleSessionName: request.name,
    ...claims,
  };
}
