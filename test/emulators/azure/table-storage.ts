import { startJsonServer, type Answer, type Endpoint, type RecordedRequest } from './json-server.ts';
import type { IssuedToken, ManagedIdentity } from './managed-identity.ts';
import { parseFilter } from './table-filter.ts';
import * as errors from './table-errors.ts';
import { createEntities, type Entity, type EntityStore } from './table-entities.ts';

const RESOURCE = 'https://storage.azure.com';

/** The first version of the service that takes tokens of Entra. */
const FIRST_VERSION = '2020-12-06';

export interface TableStorageOptions {
  /** Whose tokens the service accepts. */
  readonly identity: Pick<ManagedIdentity, 'issued'>;
  /** Name of the one table that is there. */
  readonly table?: string;
  /** Most entities of a page; the service's is 1000. */
  readonly pageSize?: number;
  /** The service's time, in milliseconds since the epoch; default that of the machine. */
  readonly clock?: () => number;
}

/**
 * What befalls a request. `after`: it is done, and answered by an error; `silent`: it is done and never answered; `late`: a
 * write is done when told to; `empty`: a query is answered without an entity, by where it goes on.
 */
export type Fault =
  | { readonly kind: 'status'; readonly status: 429 | 500 | 503; readonly retryAfterSeconds?: number }
  | { readonly kind: 'after' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'before' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'late' };

export interface TableStorage extends Endpoint, Pick<EntityStore, 'all'> {
  /** URL of the table. */
  readonly tableUrl: string;
  /** Decides what befalls each request from now on. */
  onRequest(decide: (method: string) => Fault | undefined): void;
  /** Does the writes that were put off. */
  doLate(): void;
  /** Takes the role from the identity until `grantRole`. */
  revokeRole(): void;
  grantRole(): void;
}

/**
 * The Table service of a storage account, as far as one table and four of its calls go: insert, update (replace) by a
 * version, query and delete. Strict: what it does not know it refuses, a header that the service needs as well.
 */
export async function startTableStorage(options: TableStorageOptions): Promise<TableStorage> {
  const { table = 'budgets', pageSize = 1000, clock = Date.now } = options;
  const entities = createEntities();
  const late: (() => void)[] = [];
  let granted = true;
  let decide: (method: string) => Fault | undefined = () => undefined;

  function authenticate({ headers }: RecordedRequest): Answer | IssuedToken {
    const version = String(headers['x-ms-version'] ?? '');
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) return errors.error(401, 'NoAuthenticationInformation');
    if (!/^\d{4}-\d{2}-\d{2}$/.test(version) || version < FIRST_VERSION) {
      return errors.error(400, 'InvalidHeaderValue');
    }
    if (Math.abs(Date.parse(String(headers['x-ms-date'])) - clock()) > 900_000) {
      return errors.error(403, 'AuthenticationFailed');
    }
    const caller = options.identity.issued(token);
    if (caller === undefined || caller.expiresOn * 1000 <= clock()) {
      return errors.error(403, 'AuthenticationFailed');
    }
    if (caller.resource.replace(/\/$/, '') !== RESOURCE) return errors.error(403, 'AuthenticationFailed');
    if (!granted) return errors.error(403, 'AuthorizationPermissionMismatch');
    return caller;
  }

  function answer(request: RecordedRequest, body: Buffer): Answer {
    const refused = authenticate(request);
    if ('status' in refused) return refused;
    const path = decodeURIComponent(request.url.pathname);
    const [, name, keys] = /^\/(\w+)(\(.*\))?$/.exec(path) ?? [];
    if (name !== table) return errors.error(404, 'TableNotFound');
    if (request.headers.accept !== 'application/json;odata=minimalmetadata') {
      return errors.error(415, 'AtomFormatNotSupported');
    }
    if (request.method === 'POST' && keys === undefined) return insert(request, body);
    if (request.method === 'GET' && (keys ?? '()') === '()') return query(request.url.searchParams);
    const [, partition, row] = /^\(PartitionKey='((?:[^']|'')*)',RowKey='((?:[^']|'')*)'\)$/.exec(keys ?? '') ?? [];
    if (partition === undefined || row === undefined) return errors.error(400, 'InvalidUri');
    const key = { partition: partition.replaceAll("''", "'"), row: row.replaceAll("''", "'") };
    if (request.method === 'PUT') return update(request, key, body);
    return errors.error(405, 'HttpMethodNotSupported');
  }

  function insert({ headers }: RecordedRequest, body: Buffer): Answer {
    const entity = errors.entityIn(body);
    if (entity === undefined) return errors.error(400, 'InvalidInput');
    const { PartitionKey: partition, RowKey: row, ...columns } = entity;
    if (typeof partition !== 'string' || typeof row !== 'string') return errors.error(400, 'PropertiesNeedValue');
    if (!errors.isKey(partition) || !errors.isKey(row)) return errors.error(400, 'OutOfRangeInput');
    if (entities.find(partition, row) !== undefined) return errors.error(409, 'EntityAlreadyExists');
    if (headers['prefer'] !== 'return-no-content') return errors.error(501, 'NotImplemented');
    return done(entities.put(partition, row, columns), { 'preference-applied': 'return-no-content' });
  }

  function update({ headers }: RecordedRequest, key: { partition: string; row: string }, body: Buffer): Answer {
    const entity = errors.entityIn(body);
    if (entity === undefined) return errors.error(400, 'InvalidInput');
    const found = entities.find(key.partition, key.row);
    const condition = headers['if-match'];
    // Without a condition it would be "insert or replace", which the proxy must never ask for.
    if (condition === undefined) return errors.error(501, 'NotImplemented');
    if (found === undefined) return errors.error(404, 'ResourceNotFound');
    if (condition !== '*' && !condition.startsWith('W/"')) return errors.error(400, 'InvalidInput');
    if (condition !== '*' && condition !== found.etag) return errors.error(412, 'UpdateConditionNotSatisfied');
    const { PartitionKey: _partition, RowKey: _row, ...columns } = entity;
    return done(entities.put(key.partition, key.row, columns));
  }

  function query(parameters: URLSearchParams): Answer {
    const { $filter, NextPartitionKey: partition, NextRowKey: row, ...others } = Object.fromEntries(parameters);
    const accepts = parseFilter($filter ?? '');
    if (accepts === undefined || Object.keys(others).length > 0) return errors.error(400, 'InvalidInput');
    const next = partition === undefined ? undefined : { partition, row: row ?? '' };
    const { page, continuation } = entities.page(accepts, isEmpty ? 0 : pageSize, next, isStale);
    isStale = false;
    isEmpty = false;
    const headers = continuation && {
      'x-ms-continuation-nextpartitionkey': continuation.partition,
      'x-ms-continuation-nextrowkey': continuation.row,
    };
    const body = { 'odata.metadata': `${endpoint.url}/$metadata#${table}`, value: page };
    return { status: 200, headers: { ...errors.serviceHeaders(), ...headers }, body };
  }

  let isStale = false;
  let isEmpty = false;

  async function respond(request: RecordedRequest, body: Buffer): Promise<Answer> {
    const fault = decide(request.method);
    switch (fault?.kind) {
      case undefined:
        return answer(request, body);
      case 'status':
        return errors.failure(fault.status, fault.retryAfterSeconds);
      case 'stale':
        isStale = request.method === 'GET';
        return answer(request, body);
      case 'empty':
        isEmpty = request.method === 'GET';
        return answer(request, body);
      case 'late':
        late.push(() => void answer(request, body));
        return errors.failure(500);
      case 'silent':
        answer(request, body);
        return new Promise(() => {});
      case 'after':
        answer(request, body);
        return errors.failure(500);
      default:
        return errors.failure(500);
    }
  }

  const { override: _unused, ...endpoint } = await startJsonServer(respond);
  return {
    ...endpoint,
    tableUrl: `${endpoint.url}/${table}`,
    all: entities.all,
    onRequest(decides) {
      decide = decides;
    },
    doLate() {
      for (const write of late.splice(0)) write();
    },
    revokeRole() {
      granted = false;
    },
    grantRole() {
      granted = true;
    },
  };
}

function done({ etag }: Pick<Entity, 'etag'>, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 204, headers: { ...errors.serviceHeaders(), ...headers, etag }, body: Buffer.alloc(0) };
}
