import { startJsonServer } from './json-server.ts';
import type { Answer, Endpoint, RecordedRequest } from './json-server.ts';
import type { IssuedToken, ManagedIdentity } from './managed-identity.ts';
import { createSecretStore } from './secret-store.ts';
import type { SecretStore } from './secret-store.ts';
import * as errors from './key-vault-errors.ts';

const RESOURCE = 'https://vault.azure.net';

export interface KeyVaultOptions {
  /** Whose tokens the vault accepts. */
  identity: Pick<ManagedIdentity, 'issued' | 'tenantId'>;
  /** Values by name. */
  secrets: Readonly<Record<string, string>>;
}

export interface KeyVault extends Endpoint, SecretStore {
  /** How often this secret was handed out, all versions together. */
  reads(name: string): number;
  /** Takes the role from the identity: its valid tokens get 403 until `grantRole`. */
  revokeRole(): void;
  grantRole(): void;
  /** Lets no address in from now on. */
  refuseNetwork(): void;
  /** Answers the next `times` requests, with or without token, with 429. */
  throttle(options: { retryAfterSeconds: number; times: number }): void;
  /** Answers the next `times` requests (without it: all) with this status; 0 times ends it. */
  fail(status: number, times?: number): void;
}

/** The body of a request that stores a secret or changes one. */
interface SentSecret {
  readonly value?: string;
  readonly contentType?: string;
  readonly attributes?: { readonly enabled?: boolean; readonly exp?: number };
  readonly tags?: Readonly<Record<string, string>>;
}

/** The data plane of a vault, as far as reading and storing secrets goes, over plain http. */
export async function startKeyVault({ identity, secrets }: KeyVaultOptions): Promise<KeyVault> {
  const reads = new Map<string, number>();
  let granted = true;

  /** The caller behind a request, or the refusal the service gives before it looks at the path. */
  function authenticate({ headers }: RecordedRequest): IssuedToken | Answer {
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    const challenge = errors.challenge(identity.tenantId, RESOURCE);
    if (token === undefined) return challenge('AKV10000: Request is missing a Bearer or PoP token.');
    const caller = identity.issued(token);
    if (caller === undefined) return challenge('AKV10046: Unable to resolve the key used for signature validation.');
    if (caller.resource.replace(/\/$/, '') !== RESOURCE) {
      return challenge(`AKV10022: Invalid audience. Expected ${RESOURCE}, found: ${caller.resource}.`);
    }
    if (caller.expiresOn * 1000 <= Date.now()) return challenge("[TokenExpired] Error validating token: 'S2S12086'.");
    return caller;
  }

  function answer(request: RecordedRequest, body: Buffer): Answer {
    const caller = authenticate(request);
    if ('status' in caller) return caller;
    const badVersion = errors.apiVersionError(request.url.searchParams.get('api-version'));
    if (badVersion !== undefined) return badVersion;

    const [collection, name = '', version, ...rest] = request.url.pathname.split('/').slice(1);
    if (collection !== 'secrets' || name === '' || rest.length > 0) return errors.notFound();
    if (!/^[0-9A-Za-z-]{1,127}$/.test(name)) return errors.invalidName(name);
    if (!granted) return errors.forbiddenByRbac(caller, identity.tenantId, name);
    if (request.method !== 'GET') return change(request.method, name, version, JSON.parse(String(body)));
    if (version === 'versions') return listed(name);
    const secret = store.find(name, version);
    if (secret === undefined) return errors.secretNotFound(version ? `${name}/${version}` : name);
    if (!secret.attributes.enabled) return errors.secretDisabled();
    reads.set(name, (reads.get(name) ?? 0) + 1);
    return { status: 200, headers: errors.serviceHeaders(), body: secret };
  }

  /** Adds a version, or changes the attributes of one. */
  function change(method: string, name: string, version: string | undefined, sent: SentSecret): Answer {
    const { value, contentType, attributes: { enabled, exp } = {}, tags } = sent;
    if (method === 'PUT' && version === undefined && value !== undefined) {
      const added = store.set(name, value, { contentType, exp, tags });
      return { status: 200, headers: errors.serviceHeaders(), body: store.find(name, added) };
    }
    if (method !== 'PATCH' || !version || enabled === undefined) return errors.methodNotAllowed(method);
    if (store.find(name, version) === undefined) return errors.secretNotFound(`${name}/${version}`);
    store.enable(name, version, enabled);
    return { status: 200, headers: errors.serviceHeaders(), body: { ...store.find(name, version), value: undefined } };
  }

  function listed(name: string): Answer {
    const value = store.versions(name).map(({ id, attributes, contentType }) => ({ id, attributes, contentType }));
    return { status: 200, headers: errors.serviceHeaders(), body: { value, nextLink: null } };
  }

  const { override, ...endpoint } = await startJsonServer(answer);
  const store = createSecretStore(endpoint.url, secrets);
  return {
    ...endpoint,
    ...store,
    reads: (name) => reads.get(name) ?? 0,
    revokeRole() {
      granted = false;
    },
    grantRole() {
      granted = true;
    },
    refuseNetwork: () => override(errors.forbiddenByFirewall(), Number.POSITIVE_INFINITY),
    throttle: ({ retryAfterSeconds, times }) => override(errors.throttled(retryAfterSeconds), times),
    fail: (status, times = Number.POSITIVE_INFINITY) => override(errors.failure(status), times),
  };
}
