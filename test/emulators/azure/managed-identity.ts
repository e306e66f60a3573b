import { randomBytes, randomUUID } from 'node:crypto';
import { startJsonServer } from './json-server.ts';
import type { Answer, Endpoint, RecordedRequest } from './json-server.ts';

const PATH = '/MSI/token';
const API_VERSION = '2019-08-01';

export interface ManagedIdentityOptions {
  /**
   * Client id of the one user-assigned identity of the app. A request for another, or for the system-assigned one, is
   * refused. Without it every identity asked for is there, which lets each test take a fresh one: MSAL keeps tokens by
   * client id for the life of the process.
   */
  clientId?: string;
  tenantId?: string;
  /** Makes the tokens, undefined for a resource that the tenant does not know; without it they are opaque. */
  issueToken?: IssueToken;
}

/** Who a token is for. */
export interface IdentityIds {
  /** Absent for the system-assigned identity when it was asked for by no name. */
  readonly clientId: string | undefined;
  /** Object id of the identity's service principal. */
  readonly objectId: string;
}

export type IssueToken = (
  resource: string,
  expiresInSeconds: number,
  identity: IdentityIds,
) => Promise<string | undefined> | string | undefined;

/** What a resource server learns about a token. */
export interface IssuedToken extends IdentityIds {
  /** The audience, as it was asked for. */
  readonly resource: string;
  /** Unix seconds. */
  readonly expiresOn: number;
}

export interface ManagedIdentity extends Endpoint {
  readonly tenantId: string;
  /**
   * The variables App Service sets. MSAL for Node reads them once a process, at the first token (the static
   * `identitySource` of its ManagedIdentityClient): a second emulator in the same process is not seen.
   */
  readonly environment: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string };
  /** Lifetime of the tokens issued from now on, in seconds; at first a day. MSAL asks anew for less than five minutes. */
  tokenLifetime(seconds: number): void;
  /** Object id of the identity of this client id; of the system-assigned one without it. Always the same for one. */
  objectId(clientId?: string): string;
  /** What was said of a token when it was issued; undefined for one that did not come from here. */
  issued(token: string): IssuedToken | undefined;
  /** Answers the next `times` requests (without it: all) with this status; 0 times ends it. */
  fail(status: number, times?: number): void;
}

/**
 * The token endpoint of App Service and Functions, api-version 2019-08-01 ("REST endpoint reference" in the App Service
 * documentation on managed identities).
 */
export async function startManagedIdentity(options: ManagedIdentityOptions = {}): Promise<ManagedIdentity> {
  const identityHeader = randomUUID().toUpperCase();
  const tokens = new Map<string, IssuedToken>();
  const objectIds = new Map<string | undefined, string>();
  let lifetimeSeconds = 86_400;

  async function answer({ method, url, headers }: RecordedRequest): Promise<Answer> {
    if (url.pathname !== PATH) return refusal(404, 'Not found.');
    if (method !== 'GET') return refusal(405, 'Method not allowed.');
    if (headers['x-identity-header'] !== identityHeader) return refusal(401, 'Unauthorized.');
    if (url.searchParams.get('api-version') !== API_VERSION) return refusal(400, 'The api-version is not supported.');
    const resource = url.searchParams.get('resource');
    if (!resource) return refusal(400, 'The resource is missing.');
    const clientId = url.searchParams.get('client_id') ?? undefined;
    if (options.clientId !== undefined && clientId !== options.clientId) {
      return refusal(400, clientId === undefined ? NO_SYSTEM_ASSIGNED : UNKNOWN_CLIENT_ID);
    }
    return issue(resource, clientId);
  }

  async function issue(resource: string, clientId: string | undefined): Promise<Answer> {
    const expiresOn = Math.floor(Date.now() / 1000) + lifetimeSeconds;
    const objectId = objectIdOf(clientId);
    const token = options.issueToken
      ? await options.issueToken(resource, lifetimeSeconds, { clientId, objectId })
      : randomBytes(48).toString('base64url');
    if (token === undefined) return refusal(400, unknownResource(resource));
    tokens.set(token, { resource, clientId, objectId, expiresOn });
    const body = {
      access_token: token,
      expires_on: String(expiresOn),
      resource,
      token_type: 'Bearer',
      client_id: clientId ?? objectId,
    };
    return { status: 200, body };
  }

  function objectIdOf(clientId: string | undefined): string {
    const objectId = objectIds.get(clientId) ?? randomUUID();
    objectIds.set(clientId, objectId);
    return objectId;
  }

  const { override, ...endpoint } = await startJsonServer(answer);
  return {
    ...endpoint,
    tenantId: options.tenantId ?? randomUUID(),
    environment: { IDENTITY_ENDPOINT: `${endpoint.url}${PATH}`, IDENTITY_HEADER: identityHeader },
    tokenLifetime(seconds) {
      lifetimeSeconds = seconds;
    },
    objectId: objectIdOf,
    issued: (token) => tokens.get(token),
    fail: (status, times = Number.POSITIVE_INFINITY) => override(refusal(status, 'Failed on demand.'), times),
  };
}

// Both texts are the platform's, as quoted in the integration tests of MSAL for .NET and in issues of the Azure SDKs.
const UNKNOWN_CLIENT_ID =
  'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.';
const NO_SYSTEM_ASSIGNED = 'Unable to load the proper Managed Identity.';

function unknownResource(resource: string): string {
  return `AADSTS500011: The resource principal named ${resource} was not found in the tenant.`;
}

function refusal(status: number, message: string): Answer {
  return { status, body: { statusCode: status, message, correlationId: randomUUID() } };
}
