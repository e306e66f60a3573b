import type { Entra } from './entra.ts';
import type { IssueToken } from './managed-identity.ts';

/** An app registration whose Application ID URI a managed identity may ask a token for. */
export interface Application {
  /** Application (client) id: the audience of its version 2.0 tokens. */
  readonly clientId: string;
  /** `requestedAccessTokenVersion`; Entra takes 1 where the registration says nothing. */
  readonly version?: 1 | 2;
}

/**
 * Tokens of a managed identity that Entra signs for the applications registered here, by Application ID URI, for instance
 * `api://aws-bedrock`. A resource of another scheme is a service of Azure's and gets a token of version 1; any other
 * that is not registered is unknown.
 */
export function entraTokens(entra: Entra, applications: Readonly<Record<string, Application>>): IssueToken {
  return async (resource, expiresInSeconds, { clientId, objectId }) => {
    const application = applications[resource];
    if (application === undefined && !resource.startsWith('https://')) return undefined;
    const { version = 1 } = application ?? {};
    const caller = { oid: objectId, sub: objectId, idtyp: 'app' };
    // The system-assigned identity has a client id too; here it is the same as its object id.
    const callerId = clientId ?? objectId;
    const claims =
      version === 1
        ? { ...caller, aud: resource, appid: callerId }
        : { ...caller, aud: application?.clientId, azp: callerId };
    return entra.issueToken(claims, { version, expiresInSeconds });
  };
}
