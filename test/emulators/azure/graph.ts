import { randomUUID } from 'node:crypto';

import { type Answer, type Endpoint, type RecordedRequest, startJsonServer } from './json-server.ts';

/** An app registration in the shape of Microsoft Graph 1.0, as far as it is asked for. */
export interface GraphApplication {
  readonly appId: string;
  readonly displayName: string;
  readonly signInAudience: string;
  readonly api: { readonly requestedAccessTokenVersion: number | null };
  readonly identifierUris: readonly string[];
}

export interface Graph extends Endpoint {
  readonly applications: ReadonlyMap<string, GraphApplication>;
  /** Client ids that have a service principal. */
  readonly servicePrincipals: ReadonlySet<string>;
  add(application: Partial<GraphApplication> & { readonly displayName: string }): string;
  /** The next so many reads or changes of one registration are answered by a copy that does not have it yet. */
  lagFor(requests: number): void;
  /** Answers the next `times` requests with this refusal. */
  refuse(status: number, code: string, message: string, times?: number): void;
}

export interface GraphOptions {
  /** Whether a bearer token is one for this service. */
  readonly accepts: (token: string) => boolean;
}

/** Applications and service principals of Microsoft Graph 1.0, as the directory of one tenant. */
export async function startGraph({ accepts }: GraphOptions): Promise<Graph> {
  const applications = new Map<string, GraphApplication>();
  const servicePrincipals = new Set<string>();
  let lagging = 0;

  function answer({ method, url, headers }: RecordedRequest, body: Buffer): Answer {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!accepts(token))
      return refusal(401, 'InvalidAuthenticationToken', 'Access token is empty or of another audience.');
    const sent = body.length === 0 ? {} : JSON.parse(String(body));
    const [, collection = '', appId] = /^\/v1\.0\/(\w+)(?:\(appId='([^']*)'\))?$/.exec(url.pathname) ?? [];
    if (collection === 'applications') return applicationsAnswer(method, appId, url, sent);
    if (collection === 'servicePrincipals') return principalsAnswer(method, appId, sent);
    return refusal(400, 'BadRequest', `Resource not found for the segment '${collection}'.`);
  }

  function applicationsAnswer(method: string, appId: string | undefined, url: URL, sent: object): Answer {
    if (appId === undefined) {
      if (method === 'POST') return { status: 201, body: applications.get(graph.add(sent as GraphApplication)) };
      const [, name = ''] = /^displayName eq '((?:[^']|'')*)'$/.exec(url.searchParams.get('$filter') ?? '') ?? [];
      const value = Array.from(applications.values()).filter(
        ({ displayName }) => displayName === name.replaceAll("''", "'"),
      );
      return { status: 200, body: { value } };
    }
    const found = applications.get(appId);
    if (found === undefined || isLagging()) return absent(appId);
    if (method === 'GET') return { status: 200, body: found };
    if (method !== 'PATCH') return refusal(405, 'Request_BadRequest', 'Specified HTTP method is not allowed.');
    const changed = { ...found, ...sent };
    const foreign = changed.identifierUris.find(
      (uri) => uri.startsWith('api://') && /^[0-9a-f-]{36}$/.test(uri.slice(6)) && uri !== `api://${appId}`,
    );
    if (foreign !== undefined)
      return refusal(400, 'Request_BadRequest', `The URI ${foreign} is of another application.`);
    applications.set(appId, changed);
    return { status: 204, body: undefined };
  }

  function principalsAnswer(method: string, appId: string | undefined, sent: { appId?: string }): Answer {
    if (method === 'GET' && appId !== undefined) {
      return servicePrincipals.has(appId) ? { status: 200, body: { id: randomUUID() } } : absent(appId);
    }
    const wanted = sent.appId ?? '';
    if (!applications.has(wanted) || isLagging()) {
      return refusal(
        400,
        'Request_BadRequest',
        `The appId '${wanted}' of the service principal does not reference a valid application object.`,
      );
    }
    if (servicePrincipals.has(wanted))
      return refusal(409, 'Request_MultipleObjectsWithSameKeyValue', 'The service principal is in use.');
    servicePrincipals.add(wanted);
    return { status: 201, body: { id: randomUUID(), appId: wanted } };
  }

  function isLagging(): boolean {
    if (lagging === 0) return false;
    lagging -= 1;
    return true;
  }

  const { override, ...endpoint } = await startJsonServer(answer);
  const graph: Graph = {
    ...endpoint,
    applications,
    servicePrincipals,
    add({ appId = randomUUID(), ...application }) {
      const defaults = {
        signInAudience: 'AzureADMyOrg',
        api: { requestedAccessTokenVersion: null },
        identifierUris: [],
      };
      applications.set(appId, { ...defaults, ...application, appId });
      return appId;
    },
    lagFor(requests) {
      lagging = requests;
    },
    refuse: (status, code, message, times = Number.POSITIVE_INFINITY) =>
      override(refusal(status, code, message), times),
  };
  return graph;
}

function absent(appId: string): Answer {
  const message = `Resource '${appId}' does not exist or one of its queried reference-property objects are not present.`;
  return refusal(404, 'Request_ResourceNotFound', message);
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}
