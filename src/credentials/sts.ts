import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  STSClient,
  STSServiceException,
  type Credentials,
  type STSClientConfig,
} from '@aws-sdk/client-sts';

import type { AwsCredentials } from '../aws/credentials.ts';
import type { SessionIdentity } from './session-template.ts';

/** Which STS is asked. */
export interface StsOptions {
  /** Region whose endpoint is asked: that of Bedrock. */
  readonly region: string;
  /** Takes the place of the region's endpoint. */
  readonly endpoint?: string;
  readonly useFips?: boolean;
  /** From this machine's clock to AWS's, as far as it is known. */
  readonly offsetMs?: () => number;
}

/** A session to be made: all that tells it from another one but for who asks. */
export interface SessionRequest extends SessionIdentity {
  readonly roleArn: string;
  /** 900 to 43,200; no more than 3600 where a session asks. */
  readonly durationSeconds: number;
  /** For AssumeRole only. */
  readonly externalId?: string;
}

/** Credentials of a session. */
export interface SessionCredentials extends AwsCredentials {
  readonly sessionToken: string;
  /** When they end, by the clock of AWS. */
  readonly expiration: Date;
  readonly accountId: string;
  readonly roleSessionName: string;
}

/** The two calls by which sessions are made. Both reject with StsError. */
export interface Sts {
  /** A session of a role that trusts `base`. */
  assumeRole(base: AwsCredentials, request: SessionRequest, signal: AbortSignal): Promise<SessionCredentials>;
  /** A session of a role that trusts whom `token` names. STS takes neither tags nor an external id here. */
  assumeRoleWithWebIdentity(token: string, request: SessionRequest, signal: AbortSignal): Promise<SessionCredentials>;
}

/** Why there is no session. The message holds neither token nor key. */
export class StsError extends Error {
  override readonly name = 'StsError';
  /** STS's own code, for instance `AccessDenied`; absent when STS did not answer. */
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;

  constructor(
    message: string,
    options: { cause?: unknown; code?: string; status?: number | undefined; requestId?: string | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.status = options.status;
    this.requestId = options.requestId;
  }
}

/**
 * All that the client would otherwise look for in the environment and in files of the home directory. The address too: the
 * client goes where `AWS_ENDPOINT_URL` says, which no service of the proxy does, and the token would go there with it.
 */
export function clientConfig(options: StsOptions): STSClientConfig {
  return { ...UNADDRESSED, region: options.region, endpoint: options.endpoint ?? endpointOf(options) };
}

const UNADDRESSED = {
  // An address given is the whole of it: the client refuses one together with FIPS.
  useFipsEndpoint: false,
  useDualstackEndpoint: false,
  maxAttempts: 3,
  retryMode: 'standard',
  defaultsMode: 'standard',
} as const satisfies STSClientConfig;

/** Where the rules of the client have STS in a region. */
function endpointOf({ region, useFips = false }: StsOptions): string {
  const { endpointProvider } = new STSClient({ ...UNADDRESSED, region }).config;
  return endpointProvider({ Region: region, UseFIPS: useFips, UseDualStack: false, UseGlobalEndpoint: false }).url.href;
}

/**
 * Calls of STS by the official client, with its own retries: STS throttles with status 400, and asks to come again when it
 * could not reach Entra. Whoever calls bounds them by the signal.
 */
export function createSts(options: StsOptions): Sts {
  const { offsetMs = () => 0 } = options;
  const config = clientConfig(options);
  // AssumeRoleWithWebIdentity is not signed. A client signs with one pair of keys; all share the connections of this one.
  const unsigned = new STSClient({ ...config, credentials: { accessKeyId: '', secretAccessKey: '' } });
  const { requestHandler } = unsigned.config;
  // The first call of a client takes twice as long as a later one, and each subscription needs a session.
  const clients = new WeakMap<AwsCredentials, { readonly client: STSClient; readonly offsetMs: number }>();
  const clientOf = (base: AwsCredentials): STSClient => {
    const systemClockOffset = offsetMs();
    const known = clients.get(base);
    if (known?.offsetMs === systemClockOffset) return known.client;
    // The client notes on the keys where they come from; those of the environment are frozen.
    const client = new STSClient({ ...config, credentials: { ...base }, requestHandler, systemClockOffset });
    clients.set(base, { client, offsetMs: systemClockOffset });
    return client;
  };

  return {
    async assumeRole(base, request, abortSignal) {
      const { roleArn: RoleArn, name: RoleSessionName, durationSeconds: DurationSeconds, externalId } = request;
      const Tags = Object.entries(request.tags).map(([Key, Value]) => ({ Key, Value }));
      const command = new AssumeRoleCommand({
        RoleArn,
        RoleSessionName,
        DurationSeconds,
        ...(externalId === undefined ? {} : { ExternalId: externalId }),
        ...(Tags.length === 0 ? {} : { Tags }),
      });
      const call = clientOf(base).send(command, { abortSignal });
      return credentialsOf(await call.catch(fail('AssumeRole', abortSignal)), request);
    },
    async assumeRoleWithWebIdentity(token, request, abortSignal) {
      const { roleArn: RoleArn, name: RoleSessionName, durationSeconds: DurationSeconds } = request;
      const command = new AssumeRoleWithWebIdentityCommand({
        RoleArn,
        RoleSessionName,
        DurationSeconds,
        WebIdentityToken: token,
      });
      const call = unsigned.send(command, { abortSignal });
      return credentialsOf(await call.catch(fail('AssumeRoleWithWebIdentity', abortSignal)), request);
    },
  };
}

function credentialsOf(
  { Credentials: given }: { Credentials?: Credentials | undefined },
  { roleArn, name }: SessionRequest,
): SessionCredentials {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = given ?? {};
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || Expiration === undefined) {
    throw new StsError('The answer of STS has no credentials.');
  }
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    expiration: Expiration,
    accountId: roleArn.split(':')[4] ?? '',
    roleSessionName: name,
  };
}

function fail(action: string, signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof STSServiceException)) {
      const silent = signal.aborted ? 'has not answered in time' : 'could not be asked';
      throw new StsError(`STS ${silent} for ${action}.`, { cause: error });
    }
    // The client calls some by another name than STS, which its documents and this proxy's have.
    const code = 'Code' in error && typeof error.Code === 'string' ? error.Code : error.name;
    // STS quotes the value that breaks a limit, a token too; of how long a session may be it speaks without.
    const said = code === 'ValidationError' && /Value\b/.test(error.message) ? '' : `: ${error.message}`;
    throw new StsError(`STS has refused ${action} (${code})${said}`, {
      code,
      status: error.$metadata.httpStatusCode,
      requestId: error.$metadata.requestId,
    });
  };
}
