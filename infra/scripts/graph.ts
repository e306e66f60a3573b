import type { TokenCredential } from '@azure/identity';

/** An app registration, as far as this project has to do with one. */
export interface Application {
  readonly appId: string;
  /** Version of the access tokens for it; null: 1. */
  readonly api: { readonly requestedAccessTokenVersion: number | null };
  readonly identifierUris: readonly string[];
}

export interface Directory {
  named(displayName: string): Promise<readonly Application[]>;
  /** Undefined when there is none, or not yet in the copy of the directory that answers. */
  application(appId: string): Promise<Application | undefined>;
  create(displayName: string): Promise<Application>;
  update(appId: string, change: Partial<Omit<Application, 'appId'>>): Promise<void>;
  hasServicePrincipal(appId: string): Promise<boolean>;
  createServicePrincipal(appId: string): Promise<void>;
}

/** A refusal of Microsoft Graph. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const PROPERTIES = '$select=appId,api,identifierUris';

/**
 * The app registrations of the tenant, by Microsoft Graph 1.0.
 *
 * @param url `https://graph.microsoft.com`, or that of a national cloud
 * @throws GraphError with the words of Graph, as every method does
 */
export function directoryAt(url: string, credential: TokenCredential): Directory {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { token } = (await credential.getToken(`${url}/.default`)) ?? { token: '' };
    const response = await fetch(`${url}/v1.0${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (response.ok) return answer;
    const { error } = (answer ?? {}) as { error?: { code?: string; message?: string } };
    throw new GraphError(
      response.status,
      `${response.status} ${error?.code ?? ''}: ${error?.message ?? method} ${path}`,
    );
  };

  return {
    async named(displayName) {
      // In a text of OData a quotation mark is written twice.
      const filter = encodeURIComponent(`displayName eq '${displayName.replaceAll("'", "''")}'`);
      const found = (await call('GET', `/applications?$filter=${filter}&${PROPERTIES}`)) as { value: Application[] };
      return found.value;
    },
    application: (appId) =>
      unlessAbsent(call('GET', `/applications(appId='${appId}')?${PROPERTIES}`)) as Promise<Application | undefined>,
    create: (displayName) =>
      call('POST', '/applications', {
        displayName,
        signInAudience: 'AzureADMyOrg',
        api: { requestedAccessTokenVersion: 2 },
      }) as Promise<Application>,
    async update(appId, change) {
      await call('PATCH', `/applications(appId='${appId}')`, change);
    },
    async hasServicePrincipal(appId) {
      return (await unlessAbsent(call('GET', `/servicePrincipals(appId='${appId}')?$select=id`))) !== undefined;
    },
    async createServicePrincipal(appId) {
      await call('POST', '/servicePrincipals', { appId });
    },
  };
}

function unlessAbsent(answer: Promise<unknown>): Promise<unknown> {
  return answer.catch((error: unknown) => {
    if (error instanceof GraphError && error.status === 404) return undefined;
    throw error;
  });
}
